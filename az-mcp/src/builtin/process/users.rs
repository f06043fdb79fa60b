//! The names of users.

use std::collections::HashMap;
use std::fs;

/// The file with the names of the local users.
const FILE: &str = "/etc/passwd";

/// The names of the local users, by number. Users of a directory service have no name here.
#[derive(Debug, Default)]
pub(super) struct Users(HashMap<u32, String>);

impl Users {
    /// Reads the names; there are none if they cannot be read.
    pub(super) fn read() -> Self {
        Self::parse(&fs::read_to_string(FILE).unwrap_or_default())
    }

    fn parse(text: &str) -> Self {
        let mut names = HashMap::new();
        for line in text.lines() {
            let mut fields = line.split(':');
            let (name, id) = (fields.next(), fields.nth(1).and_then(|id| id.parse().ok()));
            if let (Some(name), Some(id)) = (name, id) {
                // The first name of a number is the one that other programs show.
                names.entry(id).or_insert_with(|| name.to_owned());
            }
        }
        Self(names)
    }

    /// Returns the name of a user, or its number.
    pub(super) fn name(&self, id: u32) -> String {
        self.0.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::Users;

    #[test]
    fn users_have_their_first_name_or_their_number() {
        let users =
            Users::parse("root:x:0:0::/:/bin/sh\ntoor:x:0:0\nme:x:1000:5:\n# a comment\nx\n");
        let names = [0, 1000, 77].map(|id| users.name(id));
        assert_eq!(names, ["root", "me", "77"]);
    }
}
