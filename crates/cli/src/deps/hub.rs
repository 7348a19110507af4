//! Packages of a hub: an index of versions, each with the address of a tarball
//! (<https://docs.getdbt.com/docs/build/packages#hub-packages-recommended>).
//!
//! `DBT_PACKAGE_HUB_URL` names another hub; a `file://` address is a hub in a folder, for machines without a network.

use millstream_core::{Error, Result};
use millstream_project::PackageSource;
use semver::Version;
use serde_json::Value;

use super::fetch::{Fetched, Fetcher};
use super::tarball;
use super::version::{Range, version};

/// dbt's own hub.
pub const DEFAULT: &str = "https://hub.getdbt.com/";

/// Packages that Millstream has built in, as the hub calls them.
const BUILT_IN: [&str; 5] = [
    "dbt-labs/dbt_utils",
    "metaplane/dbt_expectations",
    "calogica/dbt_expectations",
    "calogica/dbt_date",
    "godatadriven/dbt_date",
];

/// Chooses the newest version in the range, and unpacks it.
pub async fn fetch(fetcher: &Fetcher, source: &PackageSource) -> Result<Fetched> {
    let PackageSource::Hub { name, versions, prerelease } = source else {
        return Err(Error::ours("not a hub package"));
    };
    let range = Range::parse(versions)?;
    let answer = fetcher.download(&format!("{}api/v1/{name}.json", fetcher.hub)).await.map_err(|error| {
        if BUILT_IN.contains(&name.as_str()) {
            return error.hint(format!(
                "Millstream has {name} built in: projects that use it run without installing it, as long as no package of that name is in dbt_packages/"
            ));
        }
        error
    })?;
    let answer: Value = serde_json::from_slice(&answer)
        .map_err(|error| Error::external(format!("the hub's answer about {name} cannot be read")).why(error))?;
    let mut known: Vec<(Version, &str, &Value)> = answer
        .get("versions")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(text, details)| Some((version(text)?, text.as_str(), details)))
        .filter(|(found, _, details)| {
            (found.pre.is_empty() || *prerelease || range.names_prerelease()) && fits_dbt(details)
        })
        .collect();
    known.sort_by(|a, b| a.0.cmp(&b.0));
    let Some((_, chosen, details)) = known.iter().rev().find(|(found, ..)| range.holds(found)) else {
        let all: Vec<&str> = known.iter().map(|(_, text, _)| *text).collect();
        return Err(Error::user(format!("no version of {name} is in the range {}", versions.join(", ")))
            .hint(format!("versions that there are: {}", all.join(", "))));
    };
    let Some(url) = details.pointer("/downloads/tarball").and_then(Value::as_str) else {
        return Err(Error::external(format!("the hub gives no address for {name} {chosen}")));
    };
    let folder = fetcher.scratch.join(super::hash(&[format!("hub {name} {chosen}").into()]));
    if !folder.is_dir() {
        tarball::unpack(&fetcher.download(url).await?, &folder)?;
    }
    let source =
        PackageSource::Hub { name: name.clone(), versions: vec![(*chosen).to_owned()], prerelease: *prerelease };
    Ok(Fetched { folder: tarball::only_folder(&folder)?, source })
}

/// Whether the package accepts the dbt version whose behaviour we have.
fn fits_dbt(details: &Value) -> bool {
    let ours = version(millstream_project::DBT_VERSION);
    let wanted: Vec<String> = match details.get("require_dbt_version") {
        Some(Value::Array(all)) => all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        Some(Value::String(one)) => one.split(',').map(|one| one.trim().to_owned()).collect(),
        _ => return true,
    };
    let range = Range::parse(&wanted.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>());
    match (range, ours) {
        (Ok(range), Some(ours)) => range.holds(&ours),
        _ => true,
    }
}
