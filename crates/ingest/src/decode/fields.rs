//! Where the values of a batch of records are: the common ground of CSV and JSON.
//!
//! A scanner (CSV or JSON) finds values and writes down their spans; the column decoders read them column by
//! column. Values are slices of the input; only those with escapes are copied, into a scratch buffer.

/// What kind of value a span is. CSV knows null and text only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No value.
    Null,
    /// Text. Typed columns read it by their type.
    Text,
    /// A JSON number.
    Number,
    /// JSON `true` or `false`.
    Literal,
    /// A JSON object or array.
    Nested,
}

/// A value's place: 27 bits of length (a record is at most 2^24 bytes), a bit for the scratch buffer, the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    packed: u32,
}

const LENGTH_BITS: u32 = 27;
const SCRATCH: u32 = 1 << LENGTH_BITS;
const KIND_SHIFT: u32 = LENGTH_BITS + 1;

impl Span {
    /// No value.
    pub(crate) const NULL: Span = Span { start: 0, packed: 0 };

    /// A value in the input. `start` must be below 2^32 and `len` below 2^27; chunks and records are far smaller.
    #[inline]
    pub(crate) fn new(start: usize, len: usize, kind: Kind) -> Self {
        debug_assert!(u32::try_from(start).is_ok() && len < SCRATCH as usize);
        Span { start: start as u32, packed: len as u32 | (kind as u32) << KIND_SHIFT }
    }

    #[inline]
    pub(crate) fn kind(self) -> Kind {
        match self.packed >> KIND_SHIFT {
            0 => Kind::Null,
            1 => Kind::Text,
            2 => Kind::Number,
            3 => Kind::Literal,
            _ => Kind::Nested,
        }
    }

    #[inline]
    fn len(self) -> usize {
        (self.packed & (SCRATCH - 1)) as usize
    }

    #[inline]
    fn in_scratch(self) -> bool {
        self.packed & SCRATCH != 0
    }
}

/// Spans of a batch of records, `width` for each record, and the scratch buffer.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    spans: Vec<Span>,
    scratch: Vec<u8>,
    width: usize,
}

impl Fields {
    /// For records of `width` values.
    pub(crate) fn new(width: usize) -> Self {
        Self { spans: Vec::new(), scratch: Vec::new(), width }
    }

    /// Forgets the records and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.spans.clear();
        self.scratch.clear();
    }

    /// Records, once the last is whole.
    #[inline]
    pub(crate) fn rows(&self) -> usize {
        self.spans.len() / self.width.max(1)
    }

    /// Adds the next value.
    #[inline]
    pub(crate) fn push(&mut self, span: Span) {
        self.spans.push(span);
    }

    /// Adds a record's values.
    pub(crate) fn push_record(&mut self, spans: &[Span]) {
        self.spans.extend_from_slice(spans);
    }

    /// Values so far, to be given to [`Fields::truncate`].
    #[inline]
    pub(crate) fn mark(&self) -> usize {
        self.spans.len()
    }

    /// Takes back the values since a mark.
    #[inline]
    pub(crate) fn truncate(&mut self, mark: usize) {
        self.spans.truncate(mark);
    }

    /// Bytes of all values of a column.
    pub(crate) fn column_bytes(&self, column: usize) -> usize {
        self.spans.iter().skip(column).step_by(self.width.max(1)).map(|span| span.len()).sum()
    }

    /// Copies a value that differs from its bytes in the input (escapes resolved) and gives its span.
    pub(crate) fn intern(&mut self, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) -> Span {
        let start = self.scratch.len();
        write(&mut self.scratch);
        let mut span = Span::new(start, self.scratch.len() - start, kind);
        span.packed |= SCRATCH;
        span
    }

    /// Value `column` of record `row` in `input`, the bytes that were scanned.
    #[inline]
    pub(crate) fn get<'a>(&'a self, input: &'a [u8], row: usize, column: usize) -> (Kind, &'a [u8]) {
        let span = self.spans[row * self.width + column];
        let buffer: &[u8] = if span.in_scratch() { &self.scratch } else { input };
        let start = span.start as usize;
        (span.kind(), &buffer[start..start + span.len()])
    }
}
