//! Tool names towards models, which accept fewer of them than MCP does.
//!
//! Every large provider accepts a letter followed by up to 63 of `[A-Za-z0-9_-]`. The way back is
//! through a map, never by parsing: `a.b` and `a_b` are two tools.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The longest name.
const LONGEST: usize = 64;

/// The names of a set of tools, as they are and as models see them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameMap {
    outward: HashMap<String, String>,
    inward: HashMap<String, String>,
}

impl NameMap {
    /// Names a set of tools; the same set gets the same names, in whatever order it comes.
    ///
    /// A name that models accept stays as it is. Of several that would look alike, those that have
    /// to be changed get a hash at their end.
    pub fn new<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        let names: BTreeSet<String> = names.into_iter().map(Into::into).collect();
        let mut alike: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut map = Self::default();
        for name in names {
            let plain = plain(&name);
            if plain == name {
                map.insert(name, plain);
            } else {
                alike.entry(plain).or_default().push(name);
            }
        }
        // Names that come through unharmed but for their dots take precedence over hashes.
        let (alone, several): (Vec<_>, Vec<_>) = alike.into_iter().partition(|(plain, names)| {
            names.len() == 1 && plain.len() <= LONGEST && !map.inward.contains_key(plain)
        });
        for (plain, names) in alone {
            names.into_iter().for_each(|name| map.insert(name, plain.clone()));
        }
        for name in several.into_iter().flat_map(|(_, names)| names) {
            let mut round = 0;
            let mut outward = hashed(&name, round);
            while map.inward.contains_key(&outward) {
                round += 1;
                outward = hashed(&name, round);
            }
            map.insert(name, outward);
        }
        map
    }

    /// Returns the name that models see.
    pub fn outward(&self, name: &str) -> Option<&str> {
        self.outward.get(name).map(String::as_str)
    }

    /// Returns the tool's own name.
    pub fn inward(&self, name: &str) -> Option<&str> {
        self.inward.get(name).map(String::as_str)
    }

    fn insert(&mut self, name: String, outward: String) {
        self.inward.insert(outward.clone(), name.clone());
        self.outward.insert(name, outward);
    }
}

/// Returns the name with `_` for everything that models do not accept; too long names are marked
/// by staying too long.
fn plain(name: &str) -> String {
    let legal = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let text: String = name.chars().map(legal).collect();
    let text =
        if text.starts_with(|c: char| c.is_ascii_alphabetic()) { text } else { format!("t{text}") };
    if text.len() > LONGEST && text == name {
        // Legal but for its length: it has to be changed, so it must not look unchanged.
        return format!("{text}_");
    }
    text
}

/// Returns the plain name cut to make room for a hash of the whole one.
fn hashed(name: &str, round: u32) -> String {
    let hash = fnv1a(name.bytes().chain(round.to_le_bytes())) & 0xffff_ffff_ffff;
    let short: String = plain(name).chars().take(LONGEST - 13).collect();
    format!("{short}_{hash:012x}")
}

/// A hash that is the same in every version and on every machine.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::NameMap;

    fn is_legal(name: &str) -> bool {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        name.len() <= 64
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(legal)
    }

    #[track_caller]
    fn check(names: &[&str], expect: &str) {
        let map = NameMap::new(names.iter().copied());
        let outward: Vec<_> = names.iter().map(|name| map.outward(name).unwrap()).collect();
        assert_eq!(outward.join(" "), expect);
    }

    #[test]
    fn a_name_keeps_what_models_accept() {
        check(&["filesystem.read", "mcp__git__log"], "filesystem_read mcp__git__log");
        check(&["7zip", "_x", "größe"], "t7zip t_x gr__e");
    }

    #[test]
    fn names_that_would_look_alike_get_a_hash_and_the_unchanged_one_stays() {
        check(&["a.b", "a_b", "a:b"], "a_b_80906d68daec a_b a_b_548b044c5760");
    }

    #[test]
    fn a_long_name_is_cut_and_hashed() {
        let (long, longer) = ("x".repeat(65), "x".repeat(66));
        let map = NameMap::new([long.as_str(), longer.as_str()]);
        let (one, two) = (map.outward(&long).unwrap(), map.outward(&longer).unwrap());
        assert!(is_legal(one) && is_legal(two) && one != two, "{one} {two}");
    }

    #[test]
    fn a_name_that_looks_like_the_hash_of_another_does_not_collide_with_it() {
        let first = NameMap::new(["a.b", "a:b"]);
        let stolen = first.outward("a.b").unwrap();
        let map = NameMap::new(["a.b", "a:b", stolen]);
        assert_eq!(map.inward(stolen), Some(stolen));
        assert_eq!(map.inward(map.outward("a.b").unwrap()), Some("a.b"));
    }

    proptest! {
        #[test]
        fn every_name_is_legal_outside_and_comes_back(
            mut names in prop::collection::btree_set("[a-c._:é]{0,4}|[a-b.]{62,67}", 0..40),
        ) {
            let map = NameMap::new(names.iter().cloned());
            for name in &names {
                let outward = map.outward(name).unwrap();
                prop_assert!(is_legal(outward), "{outward}");
                prop_assert_eq!(map.inward(outward), Some(name.as_str()));
            }
            prop_assert_eq!(NameMap::new(names.iter().rev().cloned()), map);
            names.clear();
        }
    }
}
