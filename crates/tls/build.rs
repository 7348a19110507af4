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

/// What `aws-lc-sys` says of its build. Its `links` name holds its version, hence the search.
fn built(key: &str) -> Outcome<String> {
    env::vars()
        .find(|(name, _)| {
            name.starts_with("DEP_AWS_LC_") && !name.contains("FIPS") && name.ends_with(&format!("_{key}"))
        })
        .map(|(_, value)| value)
        .ok_or_else(|| format!("aws-lc-sys does not say its {key}; this crate was written for version 0.47").into())
}

/// The folder `aws-lc` of the package that is linked, wherever cargo keeps it.
fn sources() -> Outcome<PathBuf> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", &env::var("TARGET")?])
        .arg("--manifest-path")
        .arg(Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("Cargo.toml"))
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
