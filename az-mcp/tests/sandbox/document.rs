//! Checks that `docs/sandbox.md` has the tables of attempts and commands. `AZ_UPDATE_DOCS=1` writes
//! them anew.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use az_mcp::sandbox::SandboxTier;

use crate::attacks::{ATTACKS, OPEN, OPEN_WITH_NETWORK, WITH_NETWORK};
use crate::useful::{EXAMPLES, MISSING};

const BEGIN: &str = "<!-- written by the tests -->\n";

/// Returns a table of names, with an exception and its reason for each tier.
fn table<'a>(
    title: &str,
    words: (&str, &str),
    names: impl Iterator<Item = &'a str>,
    exceptions: &[(SandboxTier, &str, &str)],
) -> String {
    let mut text = format!("| {title} | `bwrap` | `landlock` |\n|---|---|---|\n");
    for name in names {
        let in_tier = |tier| {
            let exception = exceptions.iter().find(|(of, what, _)| (*of, *what) == (tier, name));
            exception.map_or_else(
                || words.0.to_owned(),
                |(_, _, reason)| format!("**{}**: {reason}", words.1),
            )
        };
        let (bwrap, landlock) = (in_tier(SandboxTier::Bwrap), in_tier(SandboxTier::Landlock));
        writeln!(text, "| {name} | {bwrap} | {landlock} |").unwrap();
    }
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "set by hand after a table changed")]
fn the_document_has_what_each_sandbox_blocks_and_what_works_in_it() {
    let attacks = ATTACKS.iter().map(|(name, _)| *name);
    let examples = EXAMPLES.iter().map(|(name, ..)| *name);
    let tables = format!(
        "{BEGIN}\n## Attempts to leave it\n\n{}\nWith `sandbox.network = \"on\"`:\n\n{}\n\
         ## Everyday commands\n\n{}",
        table("attempt", ("blocked", "possible"), attacks, OPEN),
        table("attempt", ("blocked", "possible"), WITH_NETWORK.iter().copied(), OPEN_WITH_NETWORK),
        table("command", ("works", "does not work"), examples, MISSING)
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sandbox.md");
    let kept = fs::read_to_string(&path).unwrap();
    let (text, _) = kept.split_once(BEGIN).unwrap();
    let expect = format!("{text}{tables}");
    if std::env::var_os("AZ_UPDATE_DOCS").is_some() {
        fs::write(&path, &expect).unwrap();
    } else {
        assert!(kept == expect, "docs/sandbox.md is out of date: AZ_UPDATE_DOCS=1 writes it anew");
    }
}
