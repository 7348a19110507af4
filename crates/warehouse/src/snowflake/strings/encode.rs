//! Digests and encodings. Sources: Snowflake's pages "MD5 , MD5_HEX", "SHA1 , SHA1_HEX", "SHA2 , SHA2_HEX",
//! "MD5_BINARY", "SHA1_BINARY", "SHA2_BINARY", "HEX_ENCODE", "HEX_DECODE_STRING", "BASE64_ENCODE",
//! "BASE64_DECODE_STRING", "HASH".
//!
//! HASH gives the same number for the same values in every run and for equal numbers of different types, as in Snowflake;
//! the numbers themselves are others.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray};
use arrow::datatypes::DataType;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use datafusion::error::Result;
use md5::Md5;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::super::cast::to_json;
use super::super::scalar::{Call, Function, MANY, function, int, text};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["md5", "md5_hex"], 1, 1, text, |call| digest(call, md5)),
    function(&["md5_binary"], 1, 1, |_| Ok(DataType::Binary), |call| digest_bytes(call, md5)),
    function(&["sha1", "sha1_hex"], 1, 1, text, |call| digest(call, sha1)),
    function(&["sha1_binary"], 1, 1, |_| Ok(DataType::Binary), |call| digest_bytes(call, sha1)),
    function(&["sha2", "sha2_hex"], 1, 2, text, |call| {
        let size = digest_size(call)?;
        digest(call, |bytes| sha2(call, size, bytes))
    }),
    function(
        &["sha2_binary"],
        1,
        2,
        |_| Ok(DataType::Binary),
        |call| {
            let size = digest_size(call)?;
            digest_bytes(call, |bytes| sha2(call, size, bytes))
        },
    ),
    function(&["hex_encode"], 1, 2, text, hex_encode),
    function(&["hex_decode_string", "try_hex_decode_string"], 1, 1, text, |call| decode(call, "hexadecimal", from_hex)),
    function(&["base64_encode"], 1, 3, text, base64_encode),
    function(&["base64_decode_string", "try_base64_decode_string"], 1, 2, text, base64_decode),
    function(&["hash"], 1, MANY, int, hash),
];

fn digest(call: &Call<'_>, of: impl Fn(&[u8]) -> Result<Vec<u8>>) -> Result<ArrayRef> {
    let values = call.bytes(0)?;
    call.texts(|row, out| {
        let at = values.at(row);
        if values.array.is_null(at) {
            return Ok(false);
        }
        for byte in of(values.array.value(at))? {
            let _ = write!(out, "{byte:02x}");
        }
        Ok(true)
    })
}

fn digest_bytes(call: &Call<'_>, of: impl Fn(&[u8]) -> Result<Vec<u8>>) -> Result<ArrayRef> {
    let values = call.bytes(0)?;
    let digests = (0..call.rows).map(|row| {
        let at = values.at(row);
        if values.array.is_null(at) { Ok(None) } else { of(values.array.value(at)).map(Some) }
    });
    Ok(Arc::new(BinaryArray::from_iter(digests.collect::<Result<Vec<_>>>()?)))
}

fn md5(bytes: &[u8]) -> Result<Vec<u8>> {
    Ok(Md5::digest(bytes).to_vec())
}

fn sha1(bytes: &[u8]) -> Result<Vec<u8>> {
    Ok(sha1_smol::Sha1::from(bytes).digest().bytes().to_vec())
}

fn digest_size(call: &Call<'_>) -> Result<i64> {
    let sizes = call.int_or(1, 256)?;
    let size = if sizes.scalar { sizes.get(0) } else { None };
    size.ok_or_else(|| call.error("the size of the digest must be a constant"))
}

fn sha2(call: &Call<'_>, size: i64, bytes: &[u8]) -> Result<Vec<u8>> {
    Ok(match size {
        224 => Sha224::digest(bytes).to_vec(),
        256 => Sha256::digest(bytes).to_vec(),
        384 => Sha384::digest(bytes).to_vec(),
        512 => Sha512::digest(bytes).to_vec(),
        _ => return Err(call.error(format!("the digest's size is 224, 256, 384 or 512, not {size}"))),
    })
}

fn hex_encode(call: &Call<'_>) -> Result<ArrayRef> {
    let (values, cases) = (call.bytes(0)?, call.int_or(1, 1)?);
    call.texts(|row, out| {
        let at = values.at(row);
        let Some(case) = cases.get(row).filter(|_| values.array.is_valid(at)) else { return Ok(false) };
        for byte in values.array.value(at) {
            let _ = if case == 0 { write!(out, "{byte:02x}") } else { write!(out, "{byte:02X}") };
        }
        Ok(true)
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

fn decode(call: &Call<'_>, what: &str, read: impl Fn(&str) -> Option<Vec<u8>>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let strict = !call.name.starts_with("try_");
    call.texts(|row, out| {
        let Some(text) = texts.get(row) else { return Ok(false) };
        match read(text).and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(plain) => out.push_str(&plain),
            None if strict => return Err(call.error(format!("'{text}' is not {what} of a text"))),
            None => return Ok(false),
        }
        Ok(true)
    })
}

/// The three characters of an own alphabet stand for `+`, `/` and `=`.
fn alphabet(call: &Call<'_>, index: usize) -> Result<Vec<char>> {
    let own: Vec<char> = call.constant_text(index, "alphabet")?.unwrap_or_default().chars().collect();
    let mut all = vec!['+', '/', '='];
    for (slot, char) in all.iter_mut().zip(own) {
        *slot = char;
    }
    Ok(all)
}

fn base64_encode(call: &Call<'_>) -> Result<ArrayRef> {
    let (values, widths) = (call.bytes(0)?, call.int_or(1, 0)?);
    let alphabet = alphabet(call, 2)?;
    call.texts(|row, out| {
        let at = values.at(row);
        let Some(width) = widths.get(row).filter(|_| values.array.is_valid(at)) else { return Ok(false) };
        for (index, char) in STANDARD.encode(values.array.value(at)).chars().enumerate() {
            if width > 0 && index > 0 && index as i64 % width == 0 {
                out.push('\n');
            }
            out.push(match char {
                '+' => alphabet[0],
                '/' => alphabet[1],
                '=' => alphabet[2],
                other => other,
            });
        }
        Ok(true)
    })
}

fn base64_decode(call: &Call<'_>) -> Result<ArrayRef> {
    let alphabet = alphabet(call, 1)?;
    decode(call, "base64", |text| {
        let plain: String = text
            .chars()
            .filter(|char| !char.is_whitespace() && *char != alphabet[2] && *char != '=')
            .map(|char| {
                if char == alphabet[0] {
                    '+'
                } else if char == alphabet[1] {
                    '/'
                } else {
                    char
                }
            })
            .collect();
        STANDARD_NO_PAD.decode(plain).ok()
    })
}

/// Values as JSON texts, so that equal numbers of different types are equal; nulls count as values.
fn hash(call: &Call<'_>) -> Result<ArrayRef> {
    let columns = (0..call.len())
        .map(|index| {
            let column = call.column(index)?;
            Ok((to_json(&column.array)?, column.scalar))
        })
        .collect::<Result<Vec<_>>>()?;
    call.ints(|row| {
        let mut state = 0xcbf2_9ce4_8422_2325u64;
        let mut add = |byte: u8| state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        for (texts, scalar) in &columns {
            match texts.get(if *scalar { 0 } else { row }) {
                Some(text) => {
                    // Floats that are whole hash as whole numbers do.
                    let whole = text.strip_suffix("e0").filter(|text| !text.starts_with('"'));
                    whole.unwrap_or(text).bytes().for_each(&mut add);
                    add(0xff);
                }
                None => add(0xfe),
            }
        }
        let mixed = (state ^ (state >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Ok(Some((mixed ^ (mixed >> 29)) as i64))
    })
}
