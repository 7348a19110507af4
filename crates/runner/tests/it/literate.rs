//! Runs one Markdown file.

use std::path::PathBuf;

use crate::markdown::{Piece, join, split};
use crate::world::World;

/// Where the files are.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/projects")
}

/// Carries out the file and compares.
pub fn check(name: &str) {
    let path = folder().join(format!("{name}.md"));
    let text = std::fs::read_to_string(&path).unwrap();
    let mut pieces = split(&text);
    let mut world = World::new();
    let mut wrong = Vec::new();
    let mut line = 1;
    for piece in &mut pieces {
        let start = line;
        match piece {
            Piece::Text(text) => line += text.matches('\n').count(),
            Piece::Block { info, body, .. } => {
                line += body.matches('\n').count() + 2;
                let actual = carry_out(&mut world, info, body);
                if actual != *body {
                    wrong.push(format!(
                        "{}:{start}: ```{info}\n--- expected\n{body}--- actual\n{actual}",
                        path.display()
                    ));
                    *body = actual;
                }
            }
        }
    }
    if wrong.is_empty() {
        return;
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, join(&pieces)).unwrap();
        return;
    }
    panic!("{}", wrong.join("\n"));
}

/// What the block should say.
fn carry_out(world: &mut World, info: &str, body: &str) -> String {
    let words: Vec<&str> = info.split_whitespace().collect();
    match words.as_slice() {
        ["clock"] => {
            world.set_clock(body.trim());
            body.to_owned()
        }
        ["run"] => {
            let command = body.lines().next().unwrap_or_default();
            format!("{command}\n{}", world.run(command.trim_start_matches('$').trim()))
        }
        ["query"] => {
            let sql = body.split("\n---").next().unwrap_or_default();
            format!("{sql}\n---\n{}", world.query(sql))
        }
        ["message", node] => world.message(node, body),
        ["error"] => world.error(),
        ["events"] => world.events(),
        ["compiled", path] => world.compiled(path),
        ["gone", path] => {
            world.remove(path);
            body.to_owned()
        }
        [_, path] => {
            world.write(path, body);
            body.to_owned()
        }
        _ => panic!("unknown block ```{info}"),
    }
}
