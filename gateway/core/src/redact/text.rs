//! UTF-8, checked word by word: most texts of a record are short and ASCII.

/// High bits of the first so many bytes of a word.
const HIGH: [u128; 17] = {
    let mut masks = [0_u128; 17];
    let (mut at, mut mask) = (1, 0_u128);
    while at < 17 {
        mask = mask << 8 | 0x80;
        #[allow(clippy::indexing_slicing, reason = "computed when compiling")]
        {
            masks[at] = mask;
        }
        at += 1;
    }
    masks
};

/// High bits of 16 bytes.
const ALL: u128 = u128::from_ne_bytes([0x80; 16]);

/// The longest text that is looked at in one step.
pub(super) const SHORT: u8 = 16;

/// Are so many of the bytes ASCII?
#[inline(always)]
pub(super) fn is_ascii(text: &[u8; SHORT as usize], length: u8) -> bool {
    HIGH.get(usize::from(length)).is_some_and(|mask| u128::from_le_bytes(*text) & mask == 0)
}

/// Is it UTF-8? For texts of more than 16 bytes.
#[inline(always)]
pub(super) fn is_utf8(text: &[u8]) -> bool {
    let first = text.first_chunk::<16>();
    if let (Some(first), Some(last)) = (first, text.last_chunk::<16>()) {
        let mut all = u128::from_ne_bytes(*first) | u128::from_ne_bytes(*last);
        if text.len() > 32 {
            // The last look may overlap the one before.
            for word in text.as_chunks::<16>().0 {
                all |= u128::from_ne_bytes(*word);
            }
        }
        if all & ALL == 0 {
            return true;
        }
    }
    other(text)
}

/// Is it UTF-8? For texts that are not ASCII.
#[inline(never)]
pub(super) fn other(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_the_standard_library_says() {
        let pieces: [&[u8]; 9] = [
            b"",
            b"a",
            b"abcdefg",
            &[0x80],
            &[0xc3, 0xa9],
            &[0xed, 0xa0, 0x80],
            &[0xf0],
            b"0123456789abcdef",
            b"0123456789abcdef0123456789abcdef0",
        ];
        for one in pieces {
            for two in pieces {
                for three in pieces {
                    let text = [one, two, three].concat();
                    for behind in [&b""[..], b"x", &[0xff; 20]] {
                        let mut window = [0xff; SHORT as usize];
                        for (to, from) in window.iter_mut().zip(text.iter().chain(behind)) {
                            *to = *from;
                        }
                        let length = text.len() as u8;
                        let short = length <= SHORT && is_ascii(&window, length);
                        assert_eq!(short, length <= SHORT && text.is_ascii(), "{text:02x?}");
                    }
                    let right = std::str::from_utf8(&text).is_ok();
                    assert_eq!(is_utf8(&text), right, "{text:02x?}");
                }
            }
        }
    }

    /// One bad byte anywhere, and two, which must not hide one another.
    #[test]
    fn no_bad_byte_is_overlooked() {
        for length in 17..=66 {
            for (one, two) in (0..length).flat_map(|one| (0..=one).map(move |two| (one, two))) {
                let mut text = vec![b'a'; length];
                (text[one], text[two]) = (0x80, 0x80);
                assert!(!is_utf8(&text), "{length} {one} {two}");
            }
            assert!(is_utf8(&vec![b'a'; length]));
        }
    }
}
