//! Which values are secrets, and texts without them.

use std::borrow::Cow;

/// What a secret is replaced by.
pub const MASK: &str = "[redacted]";

/// Parts of the names of variables that hold secrets.
const PARTS: [&str; 9] =
    ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "AUTH", "COOKIE"];
/// How keys of providers begin.
const BEGINNINGS: [&str; 9] =
    ["sk-", "sk_", "gsk_", "xai-", "AIza", "ghp_", "github_pat_", "hf_", "r8_"];
/// The shortest key of a provider, in bytes.
const SHORTEST_KEY: usize = 16;
/// The shortest token behind `Bearer`, in bytes.
const SHORTEST_TOKEN: usize = 8;
/// Options of programs whose values are `USER:PASSWORD`.
const USER_OPTIONS: [&str; 3] = ["-u", "--user", "--proxy-user"];
/// Beginnings of the names of programs that take a password behind `-p`.
const PASSWORD_PROGRAMS: [&str; 3] = ["mysql", "mariadb", "sshpass"];

/// Returns whether a variable holds a secret, by its name. A name that only looks like one counts: a value
/// that is withheld costs less than one that is shown.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    // The path of a socket is no secret, and is part of other paths; an author is none, either.
    let is_socket = name.ends_with("_SOCK");
    let name = name.replace("AUTHORIZATION", "AUTH").replace("AUTHOR", "");
    !is_socket && PARTS.iter().any(|part| name.contains(part))
}

/// Returns a text with the words masked that look like keys of providers, and those behind `Bearer`.
pub fn mask_keys(text: &str) -> Cow<'_, str> {
    if !text.contains("Bearer ") && !BEGINNINGS.iter().any(|beginning| text.contains(beginning)) {
        return Cow::Borrowed(text);
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let (mut masked, mut rest, mut is_token) = (String::with_capacity(text.len()), text, false);
    while !rest.is_empty() {
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let is_key = word.len() >= SHORTEST_KEY && BEGINNINGS.iter().any(|b| word.starts_with(b));
        let is_secret = is_key || (is_token && word.len() >= SHORTEST_TOKEN);
        masked.push_str(if is_secret { MASK } else { word });
        let between = after.find(is_part).unwrap_or(after.len());
        let (between, next) = after.split_at(between);
        masked.push_str(between);
        is_token = word == "Bearer";
        rest = next;
    }
    Cow::Owned(masked)
}

/// Returns a command line, with its words joined by blanks and the secrets in them masked: values of
/// options, variables, headers and parameters whose names say so, the user and password of a URL, and
/// words that look like keys.
///
/// From a secret on, the rest of its word is masked: where a value ends depends on the program.
pub fn mask_command<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    let (mut program, mut before) = ("", "");
    for word in words {
        if line.is_empty() {
            program = word.rsplit('/').next().unwrap_or(word);
        } else {
            line.push(' ');
        }
        line.push_str(&mask_word(program, before, word));
        before = word;
    }
    line
}

/// Returns a word of a command line with the secrets in it masked.
fn mask_word<'a>(program: &str, before: &str, word: &'a str) -> Cow<'a, str> {
    let takes_password = PASSWORD_PROGRAMS.iter().any(|name| program.starts_with(name));
    let is_option = before.starts_with('-') && !before.contains(['=', ' ']);
    if is_option && is_secret_name(before) || takes_password && before == "-p" {
        return MASK.into();
    }
    if let Some(password) = word.strip_prefix("-p").filter(|_| takes_password)
        && !password.is_empty()
    {
        return format!("-p{MASK}").into();
    }
    if USER_OPTIONS.contains(&before)
        && let Some((user, _)) = word.split_once(':')
    {
        return format!("{user}:{MASK}").into();
    }
    let shown = secret_start(word).and_then(|start| word.get(..start));
    match shown.map(|shown| format!("{}{MASK}", mask_userinfo(shown))) {
        Some(masked) => masked.into(),
        None => match mask_userinfo(word) {
            Cow::Borrowed(word) => mask_keys(word),
            Cow::Owned(masked) => mask_keys(&masked).into_owned().into(),
        },
    }
}

/// Returns where the first value begins in a word that has a secret name, as in `--token=x`,
/// `TOKEN=x`, `Authorization: x`, `?token=x` and `"token": "x"`.
fn secret_start(word: &str) -> Option<usize> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    word.match_indices(['=', ':']).find_map(|(at, _)| {
        let before = word.get(..at)?.trim_end_matches(['"', '\'']);
        let name = before.rsplit(|c| !is_name(c)).next()?;
        let after = word.get(at + 1..)?;
        let value = after.trim_start_matches([' ', '"', '\'']);
        // The scheme of a URL is followed by two slashes.
        (is_secret_name(name) && !value.is_empty() && !value.starts_with("//"))
            .then_some(word.len() - value.len())
    })
}

/// Returns a text with the user and password of the URLs in it masked.
fn mask_userinfo(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        masked.push_str(before);
        masked.push_str("://");
        let end = after.find(|c: char| "/?#\"' ".contains(c)).unwrap_or(after.len());
        rest = match after.get(..end).and_then(|authority| authority.rfind('@')) {
            Some(at) => {
                masked.push_str(MASK);
                after.get(at..).unwrap_or_default()
            }
            None => after,
        };
    }
    if masked.is_empty() { text.into() } else { (masked + rest).into() }
}

#[cfg(test)]
mod tests {
    use super::{is_secret_name, mask_command, mask_keys};

    #[test]
    fn names_of_secrets_are_recognised_in_any_case_and_place() {
        for (name, expect) in [
            ("OPENAI_API_KEY", true),
            ("PGPASSWORD", true),
            ("API_KEY_2", true),
            ("my_token", true),
            ("NPM_AUTH", true),
            ("Proxy-Authorization", true),
            ("SSH_AUTH_SOCK", false),
            ("GIT_AUTHOR_NAME", false),
            ("HOME", false),
        ] {
            assert_eq!(is_secret_name(name), expect, "{name}");
        }
    }

    #[test]
    fn words_that_look_like_keys_are_masked() {
        for (text, expected) in [
            ("Authorization: Bearer abc.def-0123, x", "Authorization: Bearer [redacted], x"),
            ("(sk-ant-0123456789abcdef)", "([redacted])"),
            ("\"gsk_0123456789abcdefgh\"", "\"[redacted]\""),
            ("sk-short größer", "sk-short größer"),
            ("a task-sk-0123456789abcdef", "a task-sk-0123456789abcdef"),
            ("", ""),
        ] {
            assert_eq!(mask_keys(text), expected, "{text}");
        }
    }

    #[test]
    fn secrets_in_command_lines_are_masked() {
        for (words, expected) in [
            (&["ls", "-l", "/tmp"][..], "ls -l /tmp"),
            (&["x", "--password", "hunter2", "y"], "x --password [redacted] y"),
            (&["x", "--token", "--password", "p"], "x --token [redacted] [redacted]"),
            (&["x", "--api-key=a,b c", "y"], "x --api-key=[redacted] y"),
            (&["env", "DB_PASSWORD=a b", "x"], "env DB_PASSWORD=[redacted] x"),
            (&["curl", "-H", "Authorization: Basic abc"], "curl -H Authorization: [redacted]"),
            (&["curl", "-H", "X-Api-Key:abc"], "curl -H X-Api-Key:[redacted]"),
            (&["curl", "-u", "me:hunter2", "x"], "curl -u me:[redacted] x"),
            (&["curl", "https://h/p?a=1&token=x"], "curl https://h/p?a=1&token=[redacted]"),
            (&["git", "clone", "https://me:pw@h/r.git"], "git clone https://[redacted]@h/r.git"),
            (&["git", "clone", "https://h/r.git"], "git clone https://h/r.git"),
            (&["git", "clone", "git@h:r.git"], "git clone git@h:r.git"),
            (
                &["x", "postgres://a:b@c/d", "redis://:p@q"],
                "x postgres://[redacted]@c/d redis://[redacted]@q",
            ),
            (&["curl", "-d", "{\"password\": \"p\"}"], "curl -d {\"password\": \"[redacted]"),
            (&["sh", "-c", "TOKEN=abc make all"], "sh -c TOKEN=[redacted]"),
            (&["/usr/bin/mysql", "-uroot", "-phunter2"], "/usr/bin/mysql -uroot -p[redacted]"),
            (
                &["sshpass", "-p", "hunter2", "ssh", "-p", "22"],
                "sshpass -p [redacted] ssh -p [redacted]",
            ),
            (&["ssh", "-p", "22", "host"], "ssh -p 22 host"),
            (&["echo", "sk-ant-0123456789abcdef"], "echo [redacted]"),
            (&["git", "commit", "--author=A <a@b>"], "git commit --author=A <a@b>"),
            (&["open", "keybase://x"], "open keybase://x"),
            (&[], ""),
        ] {
            assert_eq!(mask_command(words.iter().copied()), expected, "{words:?}");
        }
    }
}
