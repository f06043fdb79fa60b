//! Which values are secrets.

/// Parts of the names of variables that hold secrets.
const PARTS: [&str; 9] =
    ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "AUTH", "COOKIE"];

/// Returns whether a variable holds a secret, by its name. A name that only looks like one counts: a value
/// that is withheld costs less than one that is shown.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    // The path of a socket is no secret, and is part of other paths; an author is none, either.
    let is_socket = name.ends_with("_SOCK");
    let name = name.replace("AUTHOR", "");
    !is_socket && PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::is_secret_name;

    #[test]
    fn names_of_secrets_are_recognised_in_any_case_and_place() {
        for (name, expect) in [
            ("OPENAI_API_KEY", true),
            ("PGPASSWORD", true),
            ("API_KEY_2", true),
            ("my_token", true),
            ("NPM_AUTH", true),
            ("SSH_AUTH_SOCK", false),
            ("GIT_AUTHOR_NAME", false),
            ("HOME", false),
        ] {
            assert_eq!(is_secret_name(name), expect, "{name}");
        }
    }
}
