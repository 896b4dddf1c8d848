//! Numbers as the trade writes them, with their check digits.

/// Writes a container number: owner and category (four letters), six digits, check digit.
///
/// ISO 6346:2022, annex A: letters count 10 to 38 without multiples of 11, each place weighs a power of two,
/// the sum is taken modulo 11, and 10 counts as 0. `serial` is taken modulo 10^6.
pub fn container(out: &mut Vec<u8>, owner: &str, serial: u64) {
    let start = out.len();
    out.extend(owner.bytes().take(4));
    digits(out, serial % 1_000_000, 6);
    let sum: u64 =
        (0..).zip(out.iter().skip(start)).map(|(place, byte)| letter(*byte) << place).sum();
    digits(out, sum % 11 % 10, 1);
}

/// Whether a container number's check digit fits.
pub fn is_container(text: &str) -> bool {
    let Some((owner, serial)) = text.split_at_checked(4) else { return false };
    let Some(number) = serial.get(..6).and_then(|serial| serial.parse().ok()) else { return false };
    let mut out = vec![];
    container(&mut out, owner, number);
    owner.bytes().all(|byte| byte.is_ascii_uppercase()) && out == text.as_bytes()
}

/// 10 for A to 38 for Z, skipping 11, 22 and 33; digits count as themselves.
fn letter(byte: u8) -> u64 {
    match byte {
        b'0'..=b'9' => u64::from(byte - b'0'),
        _ => {
            let place = u64::from(byte.saturating_sub(b'A'));
            // A is 10; B to K 12 to 21; L to U 23 to 32; V to Z 34 to 38.
            10 + place + place.div_ceil(10).min(3)
        }
    }
}

/// Writes an IMO ship number: six digits and a check digit, the last digit of the sum of the six times 7 to 2
/// (IMO Resolution A.1117(30)). `serial` is taken modulo 900,000, so that the number begins with 1 to 9.
pub fn imo(out: &mut Vec<u8>, serial: u64) {
    let number = 100_000 + serial % 900_000;
    digits(out, number * 10 + imo_check(number), 7);
}

/// Whether an IMO number's check digit fits.
pub fn is_imo(text: &str) -> bool {
    let number: Option<u64> = text.parse().ok().filter(|_| text.len() == 7);
    number.is_some_and(|number| imo_check(number / 10) == number % 10)
}

fn imo_check(number: u64) -> u64 {
    let places = [(100_000, 7), (10_000, 6), (1000, 5), (100, 4), (10, 3), (1, 2)];
    places.iter().map(|(place, weight)| number / place % 10 * weight).sum::<u64>() % 10
}

/// Writes a number with leading zeros.
pub fn digits(out: &mut Vec<u8>, number: u64, places: u32) {
    for place in (0..places).rev() {
        let digit = 10_u64.checked_pow(place).map_or(0, |power| number / power % 10);
        out.push(b'0'.saturating_add(u8::try_from(digit).unwrap_or_default()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_numbers_are_those_of_the_standard() {
        // The standard's worked example, and one whose sum leaves 10.
        let mut out = vec![];
        container(&mut out, "CSQU", 305_438);
        assert_eq!(out, b"CSQU3054383");
        assert!(is_container("CSQU3054383"));
        assert!(!is_container("CSQU3054384"));
        for bad in ["", "CSQU", "CSQU305438", "csqu3054383", "CSQU30543830", "ÄÄU3054383"] {
            assert!(!is_container(bad), "{bad}");
        }
        assert_eq!(
            [b'A', b'B', b'K', b'L', b'U', b'V', b'Z'].map(letter),
            [10, 12, 21, 23, 32, 34, 38]
        );
    }

    #[test]
    fn imo_numbers_have_their_check_digit() {
        assert!(is_imo("9074729"), "the example that is always given");
        assert!(!is_imo("9074728") && !is_imo("907472") && !is_imo("90747290"));
        for serial in [0, 1, 899_999, 900_000] {
            let mut out = vec![];
            imo(&mut out, serial);
            assert!(is_imo(std::str::from_utf8(&out).unwrap()));
        }
    }
}
