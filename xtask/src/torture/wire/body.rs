//! Bytes of requests and answers, as Kafka's protocol writes numbers, texts and lists.
//!
//! Guarantees: an answer that is too short is an error, never a crash.

/// The body of a request.
#[derive(Default)]
pub struct Body(Vec<u8>);

impl Body {
    pub fn i8(&mut self, value: i8) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn i16(&mut self, value: i16) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn i32(&mut self, value: i32) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn string(&mut self, value: &str) -> &mut Self {
        self.i16(value.len() as i16);
        self.0.extend(value.as_bytes());
        self
    }

    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.i32(value.len() as i32);
        self.raw(value)
    }

    pub fn raw(&mut self, value: &[u8]) -> &mut Self {
        self.0.extend(value);
        self
    }

    /// A number in zigzag and base 128, as records have them.
    pub fn varint(&mut self, value: i64) -> &mut Self {
        let mut left = ((value << 1) ^ (value >> 63)) as u64;
        while left >= 0x80 {
            self.0.push((left as u8) | 0x80);
            left >>= 7;
        }
        self.0.push(left as u8);
        self
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// An answer, read from its start to its end.
pub struct Answer {
    bytes: Vec<u8>,
    at: usize,
}

impl Answer {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub fn take(&mut self, length: usize) -> Result<&[u8], String> {
        let from = self.at;
        let to =
            from.checked_add(length).filter(|to| *to <= self.bytes.len()).ok_or("an answer of the broker is cut")?;
        self.at = to;
        Ok(&self.bytes[from..to])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| "an answer of the broker is cut".to_owned())
    }

    pub fn i8(&mut self) -> Result<i8, String> {
        Ok(i8::from_be_bytes(self.array()?))
    }

    pub fn i16(&mut self) -> Result<i16, String> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub fn i32(&mut self) -> Result<i32, String> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Result<i64, String> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    /// A text; none is empty.
    pub fn string(&mut self) -> Result<String, String> {
        let length = usize::try_from(self.i16()?).unwrap_or(0);
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    /// Bytes; none are empty.
    pub fn bytes(&mut self) -> Result<Vec<u8>, String> {
        let length = usize::try_from(self.i32()?).unwrap_or(0);
        Ok(self.take(length)?.to_vec())
    }

    /// The elements that a list has; none is an empty list.
    pub fn list(&mut self) -> Result<usize, String> {
        Ok(usize::try_from(self.i32()?).unwrap_or(0))
    }

    pub fn varint(&mut self) -> Result<i64, String> {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
            shift += 7;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() -> Result<(), String> {
        let mut body = Body::default();
        let numbers = [0, 1, -1, 63, -64, 300, -70_000, i64::MAX, i64::MIN];
        for number in numbers {
            body.varint(number).i64(number);
        }
        body.string("é").bytes(b"");
        let mut answer = Answer::new(body.into_bytes());
        for number in numbers {
            assert_eq!((answer.varint()?, answer.i64()?), (number, number));
        }
        assert_eq!((answer.string()?, answer.bytes()?, answer.left()), ("é".to_owned(), Vec::new(), 0));
        assert!(answer.i32().is_err());
        Ok(())
    }
}
