//! Converts tool names to those that providers accept, and back.
//!
//! A tool may be called `filesystem.read`; providers accept names that begin with a letter, continue
//! with letters, digits, `_` and `-`, and have at most 64 characters. The way back is a lookup, not
//! parsing.

use std::collections::BTreeMap;

/// The longest name, in bytes.
const LONGEST: usize = 64;

/// A two-way map between the names of tools and the names that are sent to providers.
#[derive(Debug, Clone, Default)]
pub struct ToolNames {
    outward: BTreeMap<String, String>,
    inward: BTreeMap<String, String>,
}

impl ToolNames {
    /// Creates a map of these names. The map does not depend on their order.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<&str> = names.into_iter().collect();
        // A name that is legal already is never changed, whatever others are mapped to.
        names.sort_unstable_by_key(|name| (legal(name) != **name, *name));
        names.dedup();
        let mut map = Self::default();
        for name in names {
            let mut wire = legal(name);
            let mut salt = 0;
            while map.inward.contains_key(&wire) {
                wire = hashed(&wire, name, salt);
                salt += 1;
            }
            map.outward.insert(name.to_owned(), wire.clone());
            map.inward.insert(wire, name.to_owned());
        }
        map
    }

    /// Returns the name of a tool as it is sent to providers. A tool that is not in the map, because a
    /// transcript is older than the list of tools, gets the name that it would have alone.
    pub fn outward(&self, name: &str) -> String {
        self.outward.get(name).cloned().unwrap_or_else(|| legal(name))
    }

    /// Returns the name of the tool that a model called. A name that is not in the map is returned
    /// unchanged, so that looking the tool up fails with that name.
    pub fn inward(&self, wire: &str) -> String {
        self.inward.get(wire).cloned().unwrap_or_else(|| wire.to_owned())
    }
}

/// Returns the legal name nearest to `name`.
fn legal(name: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut wire: String = name.chars().map(|c| if keep(c) { c } else { '_' }).collect();
    if !wire.starts_with(|c: char| c.is_ascii_alphabetic()) {
        wire.insert_str(0, "t_");
    }
    if wire.len() > LONGEST {
        return hashed(&wire, name, 0);
    }
    wire
}

/// Returns `wire` with a hash of the whole name at its end.
fn hashed(wire: &str, name: &str, salt: u8) -> String {
    let suffix = format!("_{:08x}", hash(name, salt));
    let room = LONGEST - suffix.len();
    let head: String = wire.chars().take(room).collect();
    head + &suffix
}

/// Returns a 32-bit FNV-1a hash.
fn hash(name: &str, salt: u8) -> u32 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    name.bytes().chain([salt]).fold(0x811c_9dc5, step)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ToolNames;

    /// Checks `Wire` 5.
    #[test]
    fn names_are_mapped_and_mapped_back() {
        let map = ToolNames::new(["filesystem.read", "shell.execute", "plain", "9lives"]);
        assert_eq!(map.outward("filesystem.read"), "filesystem_read");
        assert_eq!(map.outward("9lives"), "t_9lives");
        assert_eq!(map.outward("plain"), "plain");
        assert_eq!(map.inward("shell_execute"), "shell.execute");
        assert_eq!(map.inward("never_heard_of"), "never_heard_of");
    }

    #[test]
    fn of_two_colliding_names_the_legal_one_is_unchanged() {
        let map = ToolNames::new(["a.b", "a_b", "a/b"]);
        assert_eq!(map.outward("a_b"), "a_b");
        assert_eq!(map.inward("a_b"), "a_b");
        for name in ["a.b", "a/b"] {
            let wire = map.outward(name);
            assert!(wire.starts_with("a_b_"), "{wire}");
            assert_eq!(map.inward(&wire), name);
        }
    }

    proptest! {
        #[test]
        fn every_name_is_legal_on_the_wire_and_maps_back(
            names in proptest::collection::btree_set(".{1,90}", 1..20),
        ) {
            let map = ToolNames::new(names.iter().map(String::as_str));
            for name in &names {
                let wire = map.outward(name);
                prop_assert!(wire.len() <= 64 && wire.starts_with(|c: char| c.is_ascii_alphabetic()));
                prop_assert!(wire.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
                prop_assert_eq!(&map.inward(&wire), name);
            }
        }
    }
}
