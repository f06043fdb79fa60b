//! Links `az` with packed relocations where the C library can read them.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script gets what it needs from cargo this way"
)]

use std::env;
use std::path::Path;
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
        link_unwinder();
    }
}

/// Links GCC's unwinder statically, so that the loader has one library less to open at every start.
fn link_unwinder() {
    let output = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output();
    let path = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    // The compiler prints the bare name if it does not have the library.
    let directory = path.as_deref().map(Path::new).and_then(Path::parent);
    if let Some(directory) = directory.filter(|directory| directory.is_absolute()) {
        println!("cargo::rustc-link-search=native={}", directory.display());
        println!("cargo::rustc-link-lib=static=gcc_eh");
    }
}

/// Returns the version of glibc on this machine; `None` if it has another C library.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
