//! Writes values as text into a byte buffer, without allocating: this is what millions of rows a second are made of.

use crate::month::Moment;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A UUID in lower case with hyphens.
pub(crate) fn uuid(out: &mut Vec<u8>, id: &[u8; 16]) {
    let mut text = [b'-'; 36];
    let mut at = 0;
    for (index, byte) in id.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            at += 1;
        }
        text[at] = HEX[usize::from(byte >> 4)];
        text[at + 1] = HEX[usize::from(byte & 15)];
        at += 2;
    }
    out.extend_from_slice(&text);
}

/// A UUID as text of its own, where speed does not matter.
pub(crate) fn uuid_string(id: &[u8; 16]) -> String {
    let mut out = Vec::with_capacity(36);
    uuid(&mut out, id);
    String::from_utf8_lossy(&out).into_owned()
}

/// Two digits of a number below 100.
pub(crate) fn two(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}

/// An unsigned number.
pub(crate) fn number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Cents as a decimal number with two places.
pub(crate) fn cents(out: &mut Vec<u8>, cents: i32) {
    if cents < 0 {
        out.push(b'-');
    }
    let absolute = cents.unsigned_abs();
    number(out, u64::from(absolute / 100));
    out.push(b'.');
    two(out, absolute % 100);
}

/// `HH:MM:SS` of a second of the day.
pub(crate) fn clock(out: &mut Vec<u8>, second: u32) {
    two(out, second / 3600);
    out.push(b':');
    two(out, second / 60 % 60);
    out.push(b':');
    two(out, second % 60);
}

/// `YYYY-MM-DDTHH:MM:SS`, as the source files have it: no zone, meaning UTC.
pub(crate) fn moment(out: &mut Vec<u8>, moment: &Moment) {
    let year = moment.month.year().unsigned_abs();
    two(out, year / 100);
    two(out, year % 100);
    out.push(b'-');
    two(out, moment.month.month());
    out.push(b'-');
    two(out, moment.day);
    out.push(b'T');
    clock(out, moment.second);
}

/// A CSV field, quoted only when it must be (RFC 4180, section 2).
pub(crate) fn csv_field(out: &mut Vec<u8>, field: &[u8]) {
    if !field.iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        out.extend_from_slice(field);
        return;
    }
    out.push(b'"');
    for byte in field {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::month::Month;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_written_exactly() {
        assert_eq!(text(|out| uuid(out, &[0x1f; 16])), "1f1f1f1f-1f1f-1f1f-1f1f-1f1f1f1f1f1f");
        assert_eq!(text(|out| cents(out, -5)), "-0.05");
        assert_eq!(text(|out| cents(out, 0)), "0.00");
        assert_eq!(text(|out| cents(out, 200_000)), "2000.00");
        assert_eq!(text(|out| cents(out, i32::MIN)), "-21474836.48");
        assert_eq!(text(|out| number(out, u64::MAX)), u64::MAX.to_string());
        let last = Moment { month: Month::new(2024, 2).unwrap(), day: 29, second: 86_399 };
        assert_eq!(text(|out| moment(out, &last)), "2024-02-29T23:59:59");
    }

    #[test]
    fn fields_are_quoted_when_they_must_be() {
        assert_eq!(text(|out| csv_field(out, b"plain")), "plain");
        assert_eq!(text(|out| csv_field(out, b"a, b")), "\"a, b\"");
        assert_eq!(text(|out| csv_field(out, b"the \"x\"")), "\"the \"\"x\"\"\"");
    }
}
