//! Exact decimal numbers: an integer and a power of ten. Masses and money never pass through binary floats.

/// `mantissa * 10^-scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// How digits that do not fit are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the nearest; halves to the even neighbour. The default.
    HalfEven,
    /// To the nearest; halves away from zero.
    HalfUp,
    /// Towards zero.
    Down,
    /// Digits that do not fit are an error.
    Exact,
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notation {
    /// Decimal point.
    pub point: char,
    /// Between groups of digits, where used.
    pub group: Option<char>,
}

impl Default for Notation {
    fn default() -> Self {
        Self { point: '.', group: None }
    }
}

const MOST_DIGITS: u32 = 36;

impl Decimal {
    /// From a mantissa and a scale.
    pub const fn new(mantissa: i128, scale: u32) -> Self {
        Self { mantissa, scale }
    }

    /// Reads `[+-]digits[.digits][e[+-]digits]`, at most 36 significant digits; nothing else, spaces neither.
    pub fn parse(text: &str, notation: Notation) -> Option<Self> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match number.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number.strip_prefix('+').unwrap_or(number)),
        };
        let (mut mantissa, mut scale, mut point, mut any) = (0i128, 0i32, false, false);
        for c in digits.chars() {
            if let Some(digit) = c.to_digit(10) {
                mantissa = mantissa.checked_mul(10)?.checked_add(i128::from(digit))?;
                scale += i32::from(point);
                any = true;
            } else if c == notation.point && !point {
                point = true;
            } else if Some(c) != notation.group || point || !any {
                return None;
            }
        }
        if !any || mantissa >= 10i128.pow(MOST_DIGITS) || exponent.abs() > 60 {
            return None;
        }
        let mantissa = if negative { -mantissa } else { mantissa };
        match scale.checked_sub(exponent)? {
            scale @ 0.. => Some(Self { mantissa, scale: u32::try_from(scale).ok()? }),
            up => {
                let factor = 10i128.checked_pow(up.unsigned_abs())?;
                Some(Self { mantissa: mantissa.checked_mul(factor)?, scale: 0 })
            }
        }
    }

    /// The product, if it can be held.
    pub fn times(self, other: Self) -> Option<Self> {
        Some(Self {
            mantissa: self.mantissa.checked_mul(other.mantissa)?,
            scale: self.scale.checked_add(other.scale)?,
        })
    }

    /// The number in units of `10^-places`, rounded; none if it cannot be held, or not be rounded exactly.
    pub fn in_units(self, places: u32, rounding: Rounding) -> Option<i128> {
        if self.scale <= places {
            return self.mantissa.checked_mul(10i128.checked_pow(places - self.scale)?);
        }
        let Some(unit) = 10i128.checked_pow(self.scale - places) else {
            // More digits than any mantissa has: less than half a unit.
            return (rounding != Rounding::Exact || self.mantissa == 0).then_some(0);
        };
        let (whole, rest) = (self.mantissa / unit, self.mantissa % unit);
        let away = whole + self.mantissa.signum();
        let twice =
            rest.abs().checked_mul(2).map_or(std::cmp::Ordering::Greater, |twice| twice.cmp(&unit));
        Some(match (rounding, twice) {
            (Rounding::Exact, _) if rest != 0 => return None,
            (Rounding::Exact | Rounding::Down, _) => whole,
            (_, std::cmp::Ordering::Less) => whole,
            (_, std::cmp::Ordering::Greater) => away,
            (Rounding::HalfUp, _) => away,
            (Rounding::HalfEven, _) => whole + (whole % 2).abs() * self.mantissa.signum(),
        })
    }

    /// The nearest binary float.
    pub fn to_f64(self) -> Option<f64> {
        format!("{}e-{}", self.mantissa, self.scale).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Option<Decimal> {
        Decimal::parse(text, Notation::default())
    }

    #[test]
    fn rounding_is_exact_at_the_half() {
        let rounded = |text: &str, rounding| parse(text).unwrap().in_units(2, rounding);
        for (text, even, up, down) in [
            ("241.58000000000004", 24158, 24158, 24158),
            ("0.125", 12, 13, 12),
            ("0.135", 14, 14, 13),
            ("-0.125", -12, -13, -12),
            ("59582159.99999999", 5_958_216_000, 5_958_216_000, 5_958_215_999),
            ("1e3", 100_000, 100_000, 100_000),
            ("0.000000000000000000000000000000000001", 0, 0, 0),
        ] {
            assert_eq!(rounded(text, Rounding::HalfEven), Some(even), "{text}");
            assert_eq!(rounded(text, Rounding::HalfUp), Some(up), "{text}");
            assert_eq!(rounded(text, Rounding::Down), Some(down), "{text}");
        }
        assert_eq!(rounded("0.125", Rounding::Exact), None);
        assert_eq!(rounded("0.120", Rounding::Exact), Some(12));
    }

    #[test]
    fn only_numbers_are_numbers() {
        for text in [
            "", "-", ".", "1.2.3", "1,2", " 1", "1 ", "0x10", "NaN", "inf", "1e", "e5", "1e99", "٣",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        let german = Notation { point: ',', group: Some('.') };
        assert_eq!(
            Decimal::parse("1.234,50", german).unwrap().in_units(2, Rounding::Exact),
            Some(123_450)
        );
        assert_eq!(Decimal::parse("1,234.50", german), None);
        assert_eq!(parse("9999999999999999999999999999999999999"), None);
    }

    proptest! {
        #[test]
        fn grams_from_kilograms_are_exact(grams in -1_000_000_000_000i64..1_000_000_000_000) {
            let sign = if grams < 0 { "-" } else { "" };
            let size = grams.unsigned_abs();
            let text = format!("{sign}{}.{:03}", size / 1000, size % 1000);
            let kilograms = parse(&text).unwrap();
            let back = kilograms.times(Decimal::new(1000, 0)).unwrap().in_units(0, Rounding::Exact);
            prop_assert_eq!(back, Some(i128::from(grams)));
        }

        #[test]
        fn half_even_is_never_further_off_than_half_a_unit(mantissa in any::<i64>(), scale in 0u32..18, places in 0u32..9) {
            let rounded = Decimal::new(mantissa.into(), scale).in_units(places, Rounding::HalfEven).unwrap();
            // Compared in units of 10^-18 at twice the size, so that all is whole.
            let exact = i128::from(mantissa) * 10i128.pow(18 - scale);
            let got = rounded * 10i128.pow(18 - places);
            prop_assert!((exact - got).abs() * 2 <= 10i128.pow(18 - places));
        }
    }
}
