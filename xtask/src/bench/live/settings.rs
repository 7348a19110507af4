//! What the environment says: sizes, rates, and lists of what is wanted. A value that cannot be read ends the bench.

/// Text of a setting, without blanks around it.
fn text(name: &str) -> Option<String> {
    std::env::var(format!("MILLSTREAM_BENCH_LIVE_{name}")).ok().map(|text| text.trim().to_owned())
}

fn parsed(name: &str, text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|error| format!("MILLSTREAM_BENCH_LIVE_{name}: {text}: {error}"))
}

/// A number.
pub fn number(name: &str, default: u64) -> Result<u64, String> {
    text(name).map_or(Ok(default), |text| parsed(name, &text))
}

/// Numbers between commas.
pub fn numbers(name: &str, default: &[u64]) -> Result<Vec<u64>, String> {
    match text(name) {
        Some(text) => text.split(',').map(|part| parsed(name, part)).collect(),
        None => Ok(default.to_vec()),
    }
}

/// Names between commas out of those that are known, in the order in which they are known; `none` is none of them.
pub fn words(name: &str, known: &[&str]) -> Result<Vec<String>, String> {
    let Some(text) = text(name) else { return Ok(known.iter().map(|word| (*word).to_owned()).collect()) };
    let wanted: Vec<&str> = text.split(',').map(str::trim).filter(|word| !word.is_empty() && *word != "none").collect();
    if let Some(odd) = wanted.iter().find(|word| !known.contains(word)) {
        return Err(format!("MILLSTREAM_BENCH_LIVE_{name}: '{odd}' is none of {}", known.join(", ")));
    }
    Ok(known.iter().filter(|word| wanted.contains(word)).map(|word| (*word).to_owned()).collect())
}
