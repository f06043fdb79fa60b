//! Names of servers' tools towards models.

use std::collections::BTreeMap;

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
    let named = tools.iter().zip(&plain).map(|(tool, name)| {
        let is_unique = users.get(name.as_str()) == Some(&1);
        match is_unique && name.len() <= LONGEST && !has_suffix(name) {
            true => name.clone(),
            false => with_suffix(name, *tool),
        }
    });
    named.collect()
}

fn plain(server: &str, tool: &str) -> String {
    let legal = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let legal = |text: &str| text.chars().map(legal).collect::<String>();
    format!("{PREFIX}{}__{}", legal(server), legal(tool))
}

/// Whether a name ends as one with a suffix does: it gets one itself, so that no tool has the name of another.
fn has_suffix(name: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    name.rsplit_once('_').is_some_and(|(_, end)| end.len() == DIGITS && end.chars().all(is_digit))
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
