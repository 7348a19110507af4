//! `verify`: every model equals what is recomputed from raw, by the program itself.

use super::super::shell::{output, said};
use super::super::site::Site;
use super::Topic;

pub fn check(site: &Site, _topic: &Topic) -> Result<String, String> {
    let ended = output(site.millstream(&site.project).args(["verify", "--format", "table"]))?;
    let told = said(&ended);
    if !ended.status.success() {
        return Err(format!("{}:\n{told}", ended.status));
    }
    let equal = told.lines().filter(|line| line.split_whitespace().nth(1) == Some("equal")).count();
    Ok(format!("{equal} models equal what is recomputed from raw"))
}
