//! Links `az` with packed relocations where the C library can read them.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script gets what it needs from cargo this way"
)]

use std::env;
use std::process::Command;

/// The first version of glibc that reads packed relocations.
const PACKED: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Half a megabyte of relocations becomes some kilobytes, which the loader reads at every start. A
    // program that is linked on this glibc does not run on an older one in any case.
    let is_native = env::var("HOST").is_ok_and(|host| env::var("TARGET") == Ok(host));
    if is_native && glibc().is_some_and(|version| version >= PACKED) {
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
