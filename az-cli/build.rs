//! Links `az` with packed relocations where the C library can read them.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script gets what it needs from cargo this way"
)]

use std::env;
use std::process::Command;

/// The first version of glibc that reads packed relocations.
const PACKED: (u32, u32) = (2, 36);

/// The variable that builds a binary for other machines, whose glibc may be older.
const PORTABLE: &str = "AZ_PORTABLE";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={PORTABLE}");
    // Half a megabyte of relocations becomes some kilobytes, which the loader reads at every start. Only
    // the loader of glibc 2.36 and later reads them, while the symbols of `az` are in glibc 2.34.
    let is_native = env::var("HOST").is_ok_and(|host| env::var("TARGET") == Ok(host));
    let is_portable = env::var_os(PORTABLE).is_some_and(|value| !value.is_empty());
    if is_native && !is_portable && glibc().is_some_and(|version| version >= PACKED) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Returns the version of glibc on this machine; `None` if it has another C library.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
