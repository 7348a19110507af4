//! Compiles AWS-LC's `ssl` folder against the `crypto` library that `aws-lc-sys` has built, and lays both out as
//! librdkafka's build looks for OpenSSL: `<root>/include/openssl/*.h`, `<root>/lib/libssl.a`, `<root>/lib/libcrypto.a`.
//!
//! Guarantees: the sources are those of the very `aws-lc-sys` that is linked. Deliberately absent: a system's OpenSSL.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let root = PathBuf::from(env::var("OUT_DIR")?);
    let library = root.join("lib");
    fs::create_dir_all(&library)?;

    let include = PathBuf::from(built("INCLUDE")?);
    let ssl = sources()?.join("ssl");
    link(&include, &root.join("include"))?;
    link(Path::new(&built("LIBCRYPTO_PATH")?), &library.join("libcrypto.a"))?;

    cc::Build::new()
        .cpp(true)
        .std("c++17")
        // No part of it throws, so that no C++ runtime has to be linked.
        .flag("-fno-exceptions")
        .flag("-fno-rtti")
        .cpp_link_stdlib(None)
        .define("BORINGSSL_IMPLEMENTATION", None)
        .define("NDEBUG", None)
        .warnings(false)
        .include(&include)
        .files(listed(&ssl)?)
        .out_dir(&library)
        .try_compile("ssl")?;
    println!("cargo:root={}", root.display());
    Ok(())
}

/// What `aws-lc-sys` says of its build.
fn built(key: &str) -> Outcome<String> {
    let found = said().into_iter().find(|(_, name, _)| name == key).map(|(_, _, value)| value);
    found.ok_or_else(|| format!("aws-lc-sys does not say its {key}; this crate was written for version 0.47").into())
}

/// Versions, keys and values: the variables are called `DEP_AWS_LC_<version>_<key>`.
fn said() -> Vec<(String, String, String)> {
    let parsed = |(name, value): (String, String)| {
        let rest = name.strip_prefix("DEP_AWS_LC_")?;
        let parts: Vec<&str> = rest.splitn(4, '_').collect();
        let [major, minor, patch, key] = parts.as_slice() else { return None };
        let version = format!("{major}.{minor}.{patch}");
        version.starts_with(|c: char| c.is_ascii_digit()).then(|| (version, (*key).to_owned(), value))
    };
    env::vars().filter_map(parsed).collect()
}

/// The folder `aws-lc` of the package that is linked, wherever cargo keeps it.
///
/// A package of its own asks for it: all that cargo lists of that one has just been built. The workspace has packages
/// that this build does not need, and on a fresh machine those have not been downloaded.
fn sources() -> Outcome<PathBuf> {
    let version = said().into_iter().next().map(|(version, ..)| version).unwrap_or_default();
    let folder = PathBuf::from(env::var("OUT_DIR")?).join("where");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("lib.rs"), "")?;
    let manifest = folder.join("Cargo.toml");
    fs::write(
        &manifest,
        format!(
            "[package]\nname = \"where\"\nversion = \"0.0.0\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n\
             [dependencies]\naws-lc-sys = {{ version = \"={version}\", default-features = false }}\n"
        ),
    )?;
    // The folder of this crate decides where cargo looks for packages, should someone keep copies of them.
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", &env::var("TARGET")?])
        .arg("--manifest-path")
        .arg(&manifest)
        .current_dir(env::var("CARGO_MANIFEST_DIR")?)
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "aws-lc-sys")
        .and_then(|package| package["manifest_path"].as_str())
        .and_then(|manifest| Path::new(manifest).parent())
        .map(|folder| folder.join("aws-lc"))
        .ok_or_else(|| "aws-lc-sys is not among the packages that cargo lists".into())
}

/// The files that AWS-LC's own build puts into its TLS library: the first `add_library(ssl …)` of the folder.
fn listed(ssl: &Path) -> Outcome<Vec<PathBuf>> {
    let list = fs::read_to_string(ssl.join("CMakeLists.txt"))?;
    let body = list.split("add_library(").nth(1).and_then(|rest| rest.split(')').next()).unwrap_or_default();
    let mut words = body.split_whitespace();
    if words.next() != Some("ssl") {
        return Err("AWS-LC's ssl/CMakeLists.txt does not begin with add_library(ssl …)".into());
    }
    Ok(words.filter(|word| word.ends_with(".cc") || word.ends_with(".c")).map(|word| ssl.join(word)).collect())
}

/// A symbolic link where there may be one already.
fn link(from: &Path, to: &Path) -> Outcome<()> {
    if to.symlink_metadata().is_ok() {
        fs::remove_file(to)?;
    }
    std::os::unix::fs::symlink(from, to)?;
    Ok(())
}
