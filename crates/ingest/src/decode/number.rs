//! Numbers from text, exactly.
//!
//! Guarantees: a decimal is read from its digits into an `i128` and never passes through a float; a value that its
//! column cannot hold exactly is an error, never rounded.
//!
//! Accepted: optional sign, digits with at most one point, optional exponent (`1.5e3`, as JSON may write it).
//! Not accepted: spaces, thousands separators, `NaN`, hex.

/// Why a text is not a decimal of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecimalError {
    /// Not a number at all.
    NotANumber,
    /// Digits after the point that the column's scale would cut, and that are not zero.
    TooManyDecimals,
    /// More digits in all than the column's precision.
    TooManyDigits,
}

impl DecimalError {
    /// Ends a sentence that starts with the value.
    pub(crate) fn describe(self, precision: u8, scale: u8) -> String {
        match self {
            DecimalError::NotANumber => "is not a number".to_owned(),
            DecimalError::TooManyDecimals => format!("has more than {scale} digits after the point"),
            DecimalError::TooManyDigits => format!("does not fit decimal({precision},{scale})"),
        }
    }
    /// The rule that is broken.
    pub(crate) fn rule(self) -> &'static str {
        match self {
            DecimalError::NotANumber => "type",
            DecimalError::TooManyDecimals => "scale",
            DecimalError::TooManyDigits => "precision",
        }
    }
}

/// 10^0 to 10^18, the powers that fit `u64` arithmetic below.
const POW10: [u64; 19] = {
    let mut powers = [1u64; 19];
    let mut i = 1;
    while i < 19 {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// Reads a decimal as its unscaled value: `12.3` at scale 2 is 1230.
pub(crate) fn decimal(text: &[u8], precision: u8, scale: u8) -> Result<i128, DecimalError> {
    match short_decimal(text, precision, scale) {
        Some(value) => Ok(value),
        None => long_decimal(text, precision, scale),
    }
}

/// The usual case: at most 18 digits, no exponent, no digits to drop. `None` sends the text to the general reader.
#[inline]
fn short_decimal(text: &[u8], precision: u8, scale: u8) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    // One byte may be the point, so that at most 18 are digits.
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value: u64 = 0;
    let mut point = None;
    for (i, byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + u64::from(digit);
        } else if *byte == b'.' && point.is_none() {
            point = Some(i);
        } else {
            return None;
        }
    }
    let decimals = point.map_or(0, |i| digits.len() - 1 - i);
    if digits.len() == 1 && point.is_some() {
        return None;
    }
    let missing = usize::from(scale).checked_sub(decimals)?;
    let scaled = i128::from(value) * i128::from(*POW10.get(missing)?);
    if scaled >= pow10(precision) {
        return None;
    }
    Some(if negative { -scaled } else { scaled })
}

#[inline]
fn pow10(exponent: u8) -> i128 {
    match POW10.get(usize::from(exponent)) {
        Some(power) => i128::from(*power),
        // At most 38 by the contract, and 10^38 fits.
        None => 10i128.pow(u32::from(exponent)),
    }
}

/// Any number: leading and trailing zeros without end, exponents, 38 digits.
#[cold]
fn long_decimal(text: &[u8], precision: u8, scale: u8) -> Result<i128, DecimalError> {
    let number = parts(text).ok_or(DecimalError::NotANumber)?;
    // Significant digits without leading zeros, and the power of ten of the last of them.
    let digits: Vec<u8> =
        number.whole.iter().chain(number.fraction).copied().skip_while(|digit| *digit == b'0').collect();
    let trailing_zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
    let significant = &digits[..digits.len() - trailing_zeros];
    if significant.is_empty() {
        return Ok(0);
    }
    // Exponents are clamped when read, so that this cannot overflow.
    let last_power = number.exponent - number.fraction.len() as i64 + trailing_zeros as i64;
    let shift = last_power + i64::from(scale);
    if shift < 0 {
        return Err(DecimalError::TooManyDecimals);
    }
    if significant.len() as i64 + shift > i64::from(precision) {
        return Err(DecimalError::TooManyDigits);
    }
    // At most `precision` <= 38 digits from here on: no overflow.
    let mut value: i128 = 0;
    for digit in significant {
        value = value * 10 + i128::from(digit - b'0');
    }
    for _ in 0..shift {
        value *= 10;
    }
    Ok(if number.negative { -value } else { value })
}

struct Parts<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

fn parts(text: &[u8]) -> Option<Parts<'_>> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (mantissa, exponent) = match rest.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        None => (rest, 0),
        Some(at) => (&rest[..at], exponent(&rest[at + 1..])?),
    };
    let (whole, fraction) = match mantissa.iter().position(|byte| *byte == b'.') {
        None => (mantissa, &mantissa[mantissa.len()..]),
        Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
    };
    let all_digits = whole.iter().chain(fraction).all(u8::is_ascii_digit);
    (all_digits && whole.len() + fraction.len() > 0).then_some(Parts { negative, whole, fraction, exponent })
}

/// An exponent, clamped far outside of what any column can hold.
fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    const FAR: i64 = 1 << 40;
    let value = digits.iter().fold(0i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(FAR));
    Some(if negative { -value } else { value })
}

/// Reads a whole number: optional sign and digits.
#[inline]
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    // Built up below zero, because the smallest i64 has no positive counterpart.
    let mut value: i64 = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_sub(i64::from(digit))?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

/// Reads a finite float. Only for columns that are declared `double`.
pub(crate) fn double(text: &[u8]) -> Option<f64> {
    // Rust's own reader also takes `inf`, `nan` and `infinity`.
    if !text.iter().any(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse::<f64>().ok().filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_exact_and_told_when_they_do_not_fit() {
        for (text, expected) in [
            ("12.3", Ok(1230)),
            ("-200", Ok(-20000)),
            ("0", Ok(0)),
            ("-0.00", Ok(0)),
            ("+5.1", Ok(510)),
            (".5", Ok(50)),
            ("5.", Ok(500)),
            ("0000000000000000000000000000000000000001.10", Ok(110)),
            ("1.5000000000000000000000000000000000000000", Ok(150)),
            ("1.5e3", Ok(150_000)),
            ("15E-1", Ok(150)),
            ("0e99999999999999999999", Ok(0)),
            ("9999999999999999.99", Ok(999_999_999_999_999_999)),
            ("10000000000000000", Err(DecimalError::TooManyDigits)),
            ("1e99999999999999999999", Err(DecimalError::TooManyDigits)),
            ("1e-99999999999999999999", Err(DecimalError::TooManyDecimals)),
            ("0.001", Err(DecimalError::TooManyDecimals)),
            ("1.234", Err(DecimalError::TooManyDecimals)),
            ("", Err(DecimalError::NotANumber)),
            ("-", Err(DecimalError::NotANumber)),
            (".", Err(DecimalError::NotANumber)),
            ("1,5", Err(DecimalError::NotANumber)),
            ("1.2.3", Err(DecimalError::NotANumber)),
            (" 1", Err(DecimalError::NotANumber)),
            ("NaN", Err(DecimalError::NotANumber)),
            ("0x10", Err(DecimalError::NotANumber)),
            ("1e", Err(DecimalError::NotANumber)),
        ] {
            assert_eq!(decimal(text.as_bytes(), 18, 2), expected, "{text}");
        }
        let widest = "99999999999999999999999999999999999999";
        assert_eq!(decimal(widest.as_bytes(), 38, 0), Ok(10i128.pow(38) - 1));
        assert_eq!(decimal(b"100", 2, 0), Err(DecimalError::TooManyDigits));
    }

    #[test]
    fn integers_reach_both_ends_and_nothing_further() {
        assert_eq!(integer(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer(b"9223372036854775808"), None);
        for text in ["", "-", "1.0", "1e3", " 1", "0x1"] {
            assert_eq!(integer(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn doubles_are_finite_numbers() {
        assert_eq!(double(b"1.5e3"), Some(1500.0));
        for text in ["nan", "inf", "1e999", "", "abc1"] {
            assert_eq!(double(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        /// Both readers agree wherever the short one answers, and printing gives the number back.
        #[test]
        fn short_and_long_readers_agree(value in -999_999_999_999i64..999_999_999_999i64, scale in 0u8..6) {
            let unit = 10i64.pow(u32::from(scale));
            let sign = if value < 0 { "-" } else { "" };
            let (whole, fraction) = (value.unsigned_abs() / unit as u64, value.unsigned_abs() % unit as u64);
            let text = match scale {
                0 => format!("{sign}{whole}"),
                _ => format!("{sign}{whole}.{fraction:0width$}", width = usize::from(scale)),
            };
            prop_assert_eq!(decimal(text.as_bytes(), 18, scale), Ok(i128::from(value)));
            prop_assert_eq!(long_decimal(text.as_bytes(), 18, scale), Ok(i128::from(value)));
        }
    }
}
