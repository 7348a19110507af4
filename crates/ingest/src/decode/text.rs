//! Formats of text columns, checked on bytes.

/// Where the dashes of a UUID are.
const UUID_DASHES: [usize; 4] = [8, 13, 18, 23];

/// 8-4-4-4-12 hex digits in either case; no braces, no `urn:uuid:`.
#[inline]
pub(crate) fn is_uuid(text: &[u8]) -> bool {
    let Ok(text) = <&[u8; 36]>::try_from(text) else { return false };
    // Without early exit, so that the compiler turns the loop into vector instructions. `| 0x20` folds the case of
    // letters; no other byte becomes a to f by it. It leaves digits alone but would let 0x10..=0x19 pass for them,
    // so that digits are tested unfolded.
    let mut digits = 0u8;
    for byte in text {
        let is_digit = byte.wrapping_sub(b'0') < 10;
        let is_letter = (byte | 0x20).wrapping_sub(b'a') < 6;
        // At most 36: one byte counts them, so that 16 or 32 are counted at once.
        digits += u8::from(is_digit | is_letter);
    }
    digits == 32 && UUID_DASHES.iter().all(|at| text[*at] == b'-')
}

/// `local@domain.tld`: one `@`, something before it, a point inside the part after it, no spaces or controls.
/// Whether the address exists is not asked.
pub(crate) fn is_email(text: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'@', text) else { return false };
    let (local, domain) = (&text[..at], &text[at + 1..]);
    let plain = text.iter().all(|byte| *byte > b' ' && *byte != 0x7f);
    let Some(point) = memchr::memrchr(b'.', domain) else { return false };
    plain && !local.is_empty() && point > 0 && point + 1 < domain.len() && memchr::memchr(b'@', domain).is_none()
}

/// Reads a boolean: `true` or `false` in any case, `1` or `0`.
#[inline]
pub(crate) fn boolean(text: &[u8]) -> Option<bool> {
    match text {
        b"true" | b"1" => Some(true),
        b"false" | b"0" => Some(false),
        _ if text.eq_ignore_ascii_case(b"true") => Some(true),
        _ if text.eq_ignore_ascii_case(b"false") => Some(false),
        _ => None,
    }
}

/// Characters of a UTF-8 text.
#[inline]
pub(crate) fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| (**byte & 0xC0) != 0x80).count()
}

/// A value for a message: cut to a readable length, with controls and broken bytes escaped.
pub(crate) fn shown(text: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 40;
    let cut = text.len() > SHOWN_BYTES_MAX;
    let mut shown = String::with_capacity(SHOWN_BYTES_MAX + 8);
    for character in String::from_utf8_lossy(&text[..text.len().min(SHOWN_BYTES_MAX)]).chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    if cut {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_36_bytes_of_hex_and_dashes_in_their_places() {
        let good = b"aece6977-4ca6-4026-996c-d390747f2a74";
        assert!(is_uuid(good));
        assert!(is_uuid(&good.to_ascii_uppercase()));
        for at in 0..36 {
            for wrong in [b'g', b'G', b'/', b':', b'@', b'`', 0x10, 0x19, 0, 0xff, b' '] {
                let mut text = *good;
                text[at] = wrong;
                assert!(!is_uuid(&text), "byte {at} = {wrong}");
            }
        }
        assert!(!is_uuid(b"aece6977-4ca6-4026-996c-d390747f2a7"));
        assert!(!is_uuid(b"aece69774ca64026996cd390747f2a74"));
        assert!(!is_uuid(b"aece6977a4ca6-4026-996c-d390747f2a7-"));
    }

    #[test]
    fn emails_have_one_at_and_a_domain() {
        assert!(is_email(b"ecoleman@example.org"));
        assert!(is_email("ümlaut@example.org".as_bytes()));
        for text in ["", "@", "a@b", "a@.org", "a@b.", "a b@c.org", "a@b@c.org", "@c.org", "a@c.org\n"] {
            assert!(!is_email(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn shown_values_are_short_and_plain() {
        assert_eq!(shown(b"a\nb"), "a\\nb");
        assert_eq!(shown(&[b'x'; 100]).chars().count(), 41);
        assert_eq!(characters("zürich".as_bytes()), 6);
    }
}
