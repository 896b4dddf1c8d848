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

/// Is `input[at..end]` UTF-8? What follows it in `input` may be looked at, but does not count.
#[inline(always)]
pub(super) fn is_utf8(input: &[u8], at: usize, end: usize) -> bool {
    // One look at 16 bytes does for short ones, wherever they do not stand at the very end.
    if let Some(mask) = HIGH.get(end.wrapping_sub(at))
        && let Some(word) = input.get(at..at.saturating_add(16))
        && let Some(word) = word.first_chunk::<16>()
        && u128::from_le_bytes(*word) & mask == 0
    {
        return true;
    }
    input.get(at..end).is_some_and(longer)
}

#[inline(never)]
fn longer(text: &[u8]) -> bool {
    text.is_ascii() || std::str::from_utf8(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_the_standard_library_says() {
        let pieces: [&[u8]; 8] = [
            b"",
            b"a",
            b"abcdefg",
            &[0x80],
            &[0xc3, 0xa9],
            &[0xed, 0xa0, 0x80],
            &[0xf0],
            b"0123456789abcdef",
        ];
        for one in pieces {
            for two in pieces {
                for three in pieces {
                    let text = [one, two, three].concat();
                    for behind in [&b""[..], b"x", &[0xff; 20]] {
                        let input = [&[0xff][..], &text, behind].concat();
                        assert_eq!(
                            is_utf8(&input, 1, 1 + text.len()),
                            std::str::from_utf8(&text).is_ok(),
                            "{text:02x?} {behind:02x?}"
                        );
                    }
                }
            }
        }
        assert!(!is_utf8(b"abc", 2, 1) && !is_utf8(b"abc", 2, 4), "no such range");
    }
}
