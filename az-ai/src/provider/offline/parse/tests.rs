use az_core::ErrorKind;
use proptest::prelude::*;

use super::parse;
use crate::provider::offline::step::{Depth, Hidden, How, Listing, Of, Step, Text, Unit};

#[track_caller]
fn check(command: &str, expected: &[Step]) {
    match parse(command) {
        Ok(steps) => assert_eq!(steps, expected, "{command}"),
        Err(error) => panic!("{command}: {error}"),
    }
}

fn put(text: Text, path: &str, how: How) -> Step {
    let path = path.to_owned();
    Step::Put { text, path, how }
}

fn literal(text: &str) -> Text {
    Text::Literal(text.to_owned())
}

fn read(path: &str) -> Step {
    Step::Read { path: path.to_owned() }
}

fn run(command: &str) -> Step {
    Step::Run { command: command.to_owned() }
}

fn find(text: &str, path: &str) -> Step {
    Step::FindText { text: text.to_owned(), path: path.to_owned() }
}

fn named(glob: &str, path: &str) -> Step {
    Step::FindFiles { glob: glob.to_owned(), path: path.to_owned() }
}

#[test]
fn steps_are_joined_by_then_and_and_semicolons_and_lines() {
    let both = [read("a"), read("b")];
    for command in [
        "read a then read b",
        "read a and read b",
        "read a, then read b",
        "read a and then read b.",
        "read a, and read b",
        "read a; read b",
        "Read a\n\n  READ b\n",
        "First, read a. Then read b",
        "please read a and finally read b",
    ] {
        check(command, &both);
    }
}

#[test]
fn the_examples_mean_what_they_say() {
    let files = || Step::List(Listing::of("."));
    check(
        "list the files here, then write how many there are to count.txt",
        &[files(), put(Text::HowMany(None), "count.txt", How::Write)],
    );
    check(
        "read notes.txt and write it to copy.txt",
        &[read("notes.txt"), put(Text::Previous, "copy.txt", How::Write)],
    );
    check(
        r#"write "hello" to a.txt then append " world" to a.txt then read a.txt"#,
        &[
            put(literal("hello"), "a.txt", How::Write),
            put(literal(" world"), "a.txt", How::Append),
            read("a.txt"),
        ],
    );
    check(
        "run `echo hi` then append the output to log.txt",
        &[run("echo hi"), put(Text::Previous, "log.txt", How::Append)],
    );
    check(r#"find "TODO" in src"#, &[find("TODO", "src")]);
    check("find files named *.rs", &[named("*.rs", ".")]);
    check(r#"run "cargo --version""#, &[run("cargo --version")]);
    check("show processes", &[Step::Processes { filter: None }]);
    check(r#"search for "x""#, &[Step::Search { query: "x".to_owned(), collection: None }]);
}

#[test]
fn listings_say_where_how_deep_and_whether_what_is_hidden_counts() {
    let everything =
        Listing { path: "src".to_owned(), depth: Depth::Recursive, hidden: Hidden::Included };
    check("list src", &[Step::List(Listing::of("src"))]);
    check("list files in src/..", &[Step::List(Listing::of("src/.."))]);
    check("show me the files in this directory", &[Step::List(Listing::of("."))]);
    check(
        "list files in src recursively including hidden files",
        &[Step::List(everything.clone())],
    );
    check("list hidden files recursively in src", &[Step::List(everything)]);
}

#[test]
fn counts_are_of_files_directories_and_what_came_before() {
    let count = |unit, of| Step::Count { unit, of };
    let file = |path: &str| Of::File(path.to_owned());
    check("count the lines in a.txt", &[count(Some(Unit::Lines), file("a.txt"))]);
    check("count words of 'a b.txt'", &[count(Some(Unit::Words), file("a b.txt"))]);
    check("count the files in src", &[count(Some(Unit::Files), Of::Directory(Listing::of("src")))]);
    check("count how many files", &[count(Some(Unit::Files), Of::Directory(Listing::of(".")))]);
    check("read a; count the words in it", &[read("a"), count(Some(Unit::Words), Of::Previous)]);
    check("find files named x; count them", &[named("x", "."), count(None, Of::Previous)]);
    check(
        "count the bytes in a and write the result to b",
        &[count(Some(Unit::Bytes), file("a")), put(Text::Previous, "b", How::Write)],
    );
    check(
        "read a and write the number of words to b",
        &[read("a"), put(Text::HowMany(Some(Unit::Words)), "b", How::Write)],
    );
}

#[test]
fn quoted_texts_are_taken_as_they_are() {
    check(
        r#"write "read a and then; write \"it\"\n\t\\ \d" to 'x, y.txt'"#,
        &[put(literal("read a and then; write \"it\"\n\t\\ \\d"), "x, y.txt", How::Write)],
    );
    check(r#"write 'a\n' to b"#, &[put(literal(r"a\n"), "b", How::Write)]);
    check(r#"run "printf \"a\n\"""#, &[run(r#"printf "a\n""#)]);
    check("run 'a; b' and run \"c && d\"", &[run("a; b"), run("c && d")]);
    check("write \"two\nlines\" to b", &[put(literal("two\nlines"), "b", How::Write)]);
}

#[test]
fn what_is_not_understood_is_named_before_anything_is_done() {
    for (command, part) in [
        ("frobnicate the widgets", r#""frobnicate the widgets": it does not begin"#),
        ("read a and frobnicate b", r#""read a and frobnicate b": "and frobnicate b" makes"#),
        ("read a; dance", r#""dance": it does not begin"#),
        ("read", r#""read": a path should follow"#),
        ("write hello to a.txt", r#""write hello to a.txt": "hello to a.txt" makes no sense"#),
        ("write \"x\"", "`to` and a file should follow"),
        ("write it to a.txt", "refers to a step before"),
        ("count it", "refers to a step before"),
        ("run cargo test", "a command in quotes should follow"),
        ("write \"x to a.txt", r#""\"x to a.txt": its quote does not end"#),
        ("then; and", "it asks for nothing"),
        ("", "it asks for nothing"),
    ] {
        let error = parse(command).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(part), "{command}: {text}");
        assert!(text.contains("It is not a model; it knows list, read, write"), "{text}");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::BadRequest, false));
    }
}

proptest! {
    #[test]
    fn any_text_is_survived(text in ".{0,120}") {
        parse(&text).ok();
    }

    #[test]
    fn any_words_are_survived(
        words in proptest::collection::vec(
            prop_oneof![
                "list|read|write|append|count|find|run|show|search|then|and|it|the|how|many|files",
                "to|in|of|;|,|\n|\"|'|`|\"x\"|a\\.txt|\\.|hidden|recursively|here|lines|named",
            ],
            0..20,
        ),
    ) {
        parse(&words.join(" ")).ok();
    }
}
