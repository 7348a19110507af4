//! A Markdown file as text and fenced blocks.

/// A piece of a file.
pub enum Piece {
    Text(String),
    Block { info: String, body: String, fence: String },
}

/// Splits a file. Joining the pieces gives it back.
pub fn split(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut prose = String::new();
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        if ticks < 3 {
            prose.push_str(line);
            continue;
        }
        pieces.push(Piece::Text(std::mem::take(&mut prose)));
        let fence = "`".repeat(ticks);
        let info = line.trim().trim_start_matches('`').trim().to_owned();
        let mut body = String::new();
        for inner in lines.by_ref() {
            if inner.trim_end() == fence {
                break;
            }
            body.push_str(inner);
        }
        pieces.push(Piece::Block { info, body, fence });
    }
    pieces.push(Piece::Text(prose));
    pieces
}

/// The file again.
pub fn join(pieces: &[Piece]) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Block { info, body, fence } => format!("{fence}{info}\n{body}{fence}\n"),
    };
    pieces.iter().map(piece).collect()
}
