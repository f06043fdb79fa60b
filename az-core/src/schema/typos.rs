//! Names that are nearly the same.

/// The largest number of typos at which another name is suggested.
const MOST: usize = 2;

/// The longest name for which another is suggested, in characters: comparing takes the square of the length.
const LONGEST: usize = 32;

/// Returns the known name that a name is meant to be, if it has at most two typos and most of it is right.
pub(super) fn meant<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let may_be = |known: &&str| length <= LONGEST && known.chars().count().abs_diff(length) <= MOST;
    let known = known.into_iter().filter(may_be);
    let distances = known.map(|known| (typos(name, known), known));
    let (typos, nearest) = distances.min()?;
    (typos <= MOST && typos < nearest.chars().count()).then_some(nearest)
}

/// Returns the Levenshtein distance of two names: the least number of characters to insert, remove or replace.
fn typos(one: &str, other: &str) -> usize {
    let mut distances: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, char) in one.chars().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        let mut row = vec![left];
        for (above, other) in distances.iter().skip(1).zip(other.chars()) {
            left = (diagonal + usize::from(char != other)).min(left + 1).min(above + 1);
            row.push(left);
            diagonal = *above;
        }
        distances = row;
    }
    distances.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{meant, typos};

    #[test]
    fn typos_are_inserted_removed_and_replaced_characters() {
        for (one, other, expected) in [
            ("", "", 0),
            ("path", "path", 0),
            ("pth", "path", 1),
            ("pathh", "path", 1),
            ("paht", "path", 2),
            ("", "äö", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(
                (typos(one, other), typos(other, one)),
                (expected, expected),
                "{one} {other}"
            );
        }
    }

    #[test]
    fn the_nearest_name_is_meant_unless_it_is_far_or_short() {
        assert_eq!(meant("requird", ["required", "type"]), Some("required"));
        assert_eq!(meant("colour", ["path", "count"]), None);
        assert_eq!(meant("xy", ["ab"]), None);
        assert_eq!(meant("x", []), None);
        assert_eq!(meant(&"x".repeat(33), ["x".repeat(33).as_str()]), None);
    }
}
