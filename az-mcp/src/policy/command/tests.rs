use super::*;

#[test]
fn a_simple_command_is_read_as_the_shell_reads_it() {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    for (text, expected) in [
        ("ls", vec![words(&["ls"])]),
        ("  git\tstatus  -s ", vec![words(&["git", "status", "-s"])]),
        ("echo 'a b' \"c d\"", vec![words(&["echo", "a b", "c d"])]),
        ("echo a'b'\"c\"", vec![words(&["echo", "abc"])]),
        ("echo ''", vec![words(&["echo", ""])]),
        ("grep '$(x)' file", vec![words(&["grep", "$(x)", "file"])]),
        ("a&&b||c;d|e", ["a", "b", "c", "d", "e"].iter().map(|name| words(&[name])).collect()),
        ("echo größe", vec![words(&["echo", "größe"])]),
        ("make VERBOSE=1", vec![words(&["make", "VERBOSE=1"])]),
    ] {
        assert_eq!(simple_commands(text), Some(expected), "{text}");
    }
}

#[test]
fn what_is_not_certain_is_not_a_simple_command() {
    for text in [
        "",
        " ",
        ";",
        "a;",
        "a &&",
        "&& a",
        "a & b",
        "a &",
        "a | | b",
        "a > b",
        "a < b",
        "$a",
        "`a`",
        "a $(b)",
        "\"$a\"",
        "\"`a`\"",
        "a\nb",
        "a\rb",
        "a \\b",
        "\\a",
        "'a",
        "\"a",
        "*",
        "a ?",
        "[a]",
        "{a,b}",
        "a {b,c}",
        "~",
        "a ~/b",
        "# a",
        "a #b",
        "!a",
        "A=1",
        "A=1 a",
        "(a)",
        "a\0b",
        "a\u{a0}b",
        "a\u{200b}b",
        "\u{feff}a",
        "\"a!b\"",
        "\"a\\b\"",
        "'a\nb'",
        "a |& & b",
        "^a^b",
    ] {
        assert_eq!(simple_commands(text), None, "{text:?}");
    }
}

#[test]
fn a_pattern_has_words_and_stars() {
    for (pattern, text, allows) in [
        ("cargo test", "cargo test", true),
        ("cargo test", "cargo test --all", false),
        ("cargo test *", "cargo test", true),
        ("cargo test *", "cargo test --all -- x", true),
        ("cargo test *", "cargo build", false),
        ("cargo test *", "cargo test && cargo test x", true),
        ("cargo test *", "cargo test; rm x", false),
        ("npm run test:*", "npm run test:unit", true),
        ("npm run test:*", "npm run build", false),
        ("git log *", "git log | git log", true),
        ("git", "/usr/bin/git", false),
        ("ls", "ls ''", false),
    ] {
        assert_eq!(certainly_matches(pattern, text), allows, "{pattern}: {text}");
    }
}

#[test]
fn a_command_that_may_be_denied_is_found_however_it_is_written() {
    for text in [
        "rm -rf x",
        "ls; rm -rf x",
        "ls && rm -rf x",
        "$(rm -rf x)",
        "`rm -rf x`",
        "/bin/rm -rf x",
        "'rm' -rf x",
        "r\\m -rf x",
        "r''m -rf x",
        "sudo rm -rf x",
        "env A=1 rm -rf x",
        "(rm -rf x)",
        "{ rm -rf x; }",
        "ls |rm -rf x",
        "true\nrm -rf x",
        "xargs rm -rf",
        "rm\t-rf x",
        "if rm -rf x; then",
        "bash -c 'rm -rf x'",
        "! rm -rf x",
        "time rm -rf x",
    ] {
        assert!(may_match("rm -rf *", text), "{text}");
    }
    for text in ["ls", "rm x", "rm -r x", "git rm -r x", "echo farm -rf"] {
        assert!(!may_match("rm -rf *", text), "{text}");
    }
}

#[test]
fn the_exact_pattern_of_a_command_matches_it_and_nothing_else() {
    assert_eq!(exact_pattern("cargo test  --all"), Some("cargo test --all".to_owned()));
    for text in ["echo '*'", "echo 'a b'", "a && b", "a > b", "echo ''", ""] {
        assert_eq!(exact_pattern(text), None, "{text}");
    }
}
