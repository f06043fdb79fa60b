//! Names of servers' tools towards models.

use std::collections::{BTreeMap, BTreeSet};

use az_core::digest::sha256_hex;

/// How the names of servers' tools begin.
pub const PREFIX: &str = "mcp__";

/// The longest name that every provider accepts.
const LONGEST: usize = 64;
/// The digits of a suffix.
const DIGITS: usize = 12;

/// Returns the names under which models know the tools of servers, in the order of the tools, which are
/// given by server and name: `mcp__server__tool`.
///
/// A name has letters, digits, `_` and `-` only, and at most 64 of them. Tools whose names would be the
/// same or too long get a suffix of their digest. A name does not depend on other tools unless they
/// collide, and is never taken apart: the caller keeps what it stands for.
pub fn model_names(tools: &[(&str, &str)]) -> Vec<String> {
    let plain: Vec<_> = tools.iter().map(|(server, tool)| plain(server, tool)).collect();
    let mut users: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &plain {
        *users.entry(name).or_default() += 1;
    }
    let is_unique = |name: &String| name.len() <= LONGEST && users.get(name.as_str()) == Some(&1);
    let suffixed: Vec<_> =
        tools.iter().zip(&plain).map(|(tool, name)| with_suffix(name, *tool)).collect();
    let mut is_plain: Vec<_> = plain.iter().map(is_unique).collect();
    // A tool may be named like the suffixed name of another one.
    loop {
        let taken: BTreeSet<_> = suffixed
            .iter()
            .zip(&is_plain)
            .filter(|(_, is_plain)| !**is_plain)
            .map(|(name, _)| name)
            .collect();
        let mut changed = false;
        for (name, is_plain) in plain.iter().zip(&mut is_plain) {
            if *is_plain && taken.contains(name) {
                (*is_plain, changed) = (false, true);
            }
        }
        if !changed {
            break;
        }
    }
    let named = plain.into_iter().zip(suffixed).zip(is_plain);
    named.map(|((plain, suffixed), is_plain)| if is_plain { plain } else { suffixed }).collect()
}

fn plain(server: &str, tool: &str) -> String {
    let legal = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let legal = |text: &str| text.chars().map(legal).collect::<String>();
    format!("{PREFIX}{}__{}", legal(server), legal(tool))
}

fn with_suffix(name: &str, (server, tool): (&str, &str)) -> String {
    let digest = sha256_hex(format!("{server}\0{tool}"));
    let digits = digest.get(..DIGITS).unwrap_or_default();
    // The name has ASCII characters only.
    let kept = name.get(..name.len().min(LONGEST - DIGITS - 1)).unwrap_or_default();
    format!("{kept}_{digits}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{any, prop};
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::model_names;

    #[test]
    fn names_are_readable_and_collisions_get_a_suffix() {
        let names = model_names(&[("time", "get_current_time"), ("time", "a.b"), ("time", "a_b")]);
        assert_eq!(names[0], "mcp__time__get_current_time");
        assert_ne!(names[1], names[2]);
        assert!(names[1].starts_with("mcp__time__a_b_") && names[1].len() == 27, "{names:?}");
        let colliding = names[1].trim_start_matches("mcp__time__").to_owned();
        let three = model_names(&[("time", "a.b"), ("time", "a_b"), ("time", &colliding)]);
        assert_eq!((three[0] == names[1], three[2] == names[1]), (true, false), "{three:?}");
        let long = model_names(&[("server", &"x".repeat(100))]);
        assert_eq!(long[0].len(), 64);
    }

    proptest! {
        #[test]
        fn different_tools_have_different_legal_names(
            tools in prop::collection::btree_set(("[a-z_]{1,3}", any::<String>()), 0..20)
        ) {
            let tools: Vec<_> = tools.iter().map(|(s, t)| (s.as_str(), t.as_str())).collect();
            let names = model_names(&tools);
            prop_assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), tools.len());
            for name in &names {
                let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                prop_assert!(name.len() <= 64 && name.starts_with("mcp__") && name.chars().all(legal));
            }
        }
    }
}
