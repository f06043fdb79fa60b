//! Tool names as models may write them, and the way back.
//!
//! A tool may be called `filesystem.read`; towards models a name begins with a letter and goes on
//! with letters, digits, `_` and `-`, at most 64 in all. The way back is a map, never parsing.

use std::collections::BTreeMap;

/// The longest name, in bytes.
const LONGEST: usize = 64;

/// Tool names and what models call them.
#[derive(Debug, Clone, Default)]
pub struct NameMap {
    outward: BTreeMap<String, String>,
    inward: BTreeMap<String, String>,
}

impl NameMap {
    /// Maps names. The same names give the same map, in whatever order they come.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<&str> = names.into_iter().collect();
        // A name that may stand as it is keeps its place before one that only comes to look so.
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

    /// Returns what models call a tool. One that is not in the map, because a transcript is older
    /// than the list of tools, gets the name it would have alone.
    pub fn outward(&self, name: &str) -> String {
        self.outward.get(name).cloned().unwrap_or_else(|| legal(name))
    }

    /// Returns the tool that a model called. A name that is not in the map stays as it is, so that
    /// whoever looks the tool up can say that there is none.
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

    use super::NameMap;

    #[test]
    fn names_are_mapped_and_found_again() {
        let map = NameMap::new(["filesystem.read", "shell.execute", "plain", "9lives"]);
        assert_eq!(map.outward("filesystem.read"), "filesystem_read");
        assert_eq!(map.outward("9lives"), "t_9lives");
        assert_eq!(map.outward("plain"), "plain");
        assert_eq!(map.inward("shell_execute"), "shell.execute");
        assert_eq!(map.inward("never_heard_of"), "never_heard_of");
    }

    #[test]
    fn of_two_names_that_look_alike_the_legal_one_stays() {
        let map = NameMap::new(["a.b", "a_b", "a/b"]);
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
        fn every_name_is_legal_outside_and_comes_back(
            names in proptest::collection::btree_set(".{1,90}", 1..20),
        ) {
            let map = NameMap::new(names.iter().map(String::as_str));
            for name in &names {
                let wire = map.outward(name);
                prop_assert!(wire.len() <= 64 && wire.starts_with(|c: char| c.is_ascii_alphabetic()));
                prop_assert!(wire.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
                prop_assert_eq!(&map.inward(&wire), name);
            }
        }
    }
}
