//! Texts that have to do with other texts: what a prefix ends before, how else a code is written.

/// `items[1].hs_code` is `items.hs_code` to a filter.
pub fn without_indexes(field: &str) -> String {
    let name = |segment: &str| segment.split('[').next().unwrap_or_default().to_owned();
    field.split('.').map(name).collect::<Vec<_>>().join(".")
}

/// A UUID as PostgreSQL writes it?
pub fn is_uuid(text: &str) -> bool {
    let sign = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() == 36 && text.bytes().enumerate().all(sign)
}

/// Every way to write two letters, if these are capitals: no country is found by others.
pub fn spellings(code: &str) -> Vec<String> {
    let &[one, two] = code.as_bytes() else { return vec![] };
    if !(one.is_ascii_uppercase() && two.is_ascii_uppercase()) {
        return vec![];
    }
    let both = |letter: u8| [char::from(letter), char::from(letter.to_ascii_lowercase())];
    both(one).iter().flat_map(|one| both(two).map(|two| format!("{one}{two}"))).collect()
}

/// The least text that is greater than every one with this prefix, in the order of code points.
pub fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match last {
            char::MAX => continue,
            '\u{d7ff}' => '\u{e000}',
            other => char::from_u32(u32::from(other) + 1)?,
        };
        chars.push(next);
        return Some(chars.into_iter().collect());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn successors_step_over_what_is_no_character() {
        assert_eq!(successor("85").as_deref(), Some("86"));
        assert_eq!(successor("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(successor("\u{10ffff}"), None);
        assert_eq!(spellings("KR"), ["KR", "Kr", "kR", "kr"]);
        assert!(spellings("kr").is_empty() && spellings("KOR").is_empty());
        assert!(is_uuid("00000000-0000-0000-0000-00000000000a"));
        assert!(!is_uuid("00000000-0000-0000-0000-00000000000A") && !is_uuid("7"));
        assert_eq!(without_indexes("items[12].party.id"), "items.party.id");
    }

    proptest! {
        #[test]
        fn a_prefix_is_a_range(prefix in "\\PC{1,3}", tail in "\\PC{0,3}", other in "\\PC{0,4}") {
            let below = successor(&prefix);
            let within = |text: &str| {
                text >= prefix.as_str() && below.as_deref().is_none_or(|below| text < below)
            };
            let longer = format!("{prefix}{tail}");
            prop_assert!(within(&longer));
            prop_assert_eq!(within(&other), other.starts_with(&prefix));
        }
    }
}
