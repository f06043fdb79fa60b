use az_core::ErrorKind;
use proptest::prelude::*;

use super::Error;
use crate::offline::step::{Depth, Hidden, How, Kinds, Listing, Of, Step, Text, Unit};

/// The available tools.
const TOOLS: [&str; 4] =
    ["filesystem.list", "filesystem.read", "filesystem.write", "shell.execute"];

fn parse(command: &str) -> Result<Vec<Step>, Error> {
    super::parse(command, &TOOLS.into_iter().collect())
}

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
fn the_examples_are_parsed_as_documented() {
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
fn listings_have_directory_depth_and_hidden_entries() {
    let everything =
        Listing { depth: Depth::Recursive, hidden: Hidden::Included, ..Listing::of("src") };
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
fn counts_are_of_files_directories_and_the_previous_result() {
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
fn quoted_texts_are_literal() {
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
fn an_unknown_part_is_named_before_the_first_step() {
    for (command, part) in [
        ("frobnicate the widgets", r#""frobnicate the widgets": it does not begin"#),
        (
            "read a and frobnicate b",
            r#""read a and frobnicate b": "and frobnicate b" is not expected"#,
        ),
        ("read a; dance", r#""dance": it does not begin"#),
        ("read", r#""read": a path should follow"#),
        ("write \"x\"", "`to` and a file should follow"),
        ("write it to a.txt", "refers to a step before"),
        ("count it", "refers to a step before"),
        ("run cargo test", "a command in quotes should follow"),
        ("write \"x to a.txt", r#""\"x to a.txt": its quote does not end"#),
        ("then; and", "it contains no step"),
        ("", "it contains no step"),
    ] {
        let error = parse(command).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(part), "{command}: {text}");
        assert!(text.contains("; for example: "), "{text}");
        assert!(text.ends_with(". `az task run --help` describes the language"), "{text}");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::BadRequest, false));
    }
}

#[test]
fn synonyms_are_the_same_step() {
    let list = |listing| Step::List(listing);
    let count = |unit, path: &str| Step::Count { unit: Some(unit), of: Of::File(path.to_owned()) };
    let processes = |filter: Option<&str>| Step::Processes { filter: filter.map(str::to_owned) };
    for (command, expected) in [
        ("ls", list(Listing::of("."))),
        ("ls src", list(Listing::of("src"))),
        ("cat a.txt", read("a.txt")),
        ("cat 'a b'", read("a b")),
        ("open a.txt", read("a.txt")),
        ("print a.txt", read("a.txt")),
        ("show a.txt", read("a.txt")),
        ("show me the contents of a.txt", read("a.txt")),
        ("save \"x\" to a", put(literal("x"), "a", How::Write)),
        ("save \"x\" as a", put(literal("x"), "a", How::Write)),
        ("put \"x\" in a", put(literal("x"), "a", How::Write)),
        ("add \"x\" to a", put(literal("x"), "a", How::Append)),
        ("create b containing \"x\"", put(literal("x"), "b", How::Write)),
        ("create a new file called a with the text 'x'", put(literal("x"), "a", How::Write)),
        ("execute \"make all\"", run("make all")),
        ("run ls", run("ls")),
        ("ps", processes(None)),
        ("ps named az", processes(Some("az"))),
        ("grep TODO in src", find("TODO", "src")),
        ("grep \"TODO\" src", find("TODO", "src")),
        ("grep TODO", find("TODO", ".")),
        ("how many lines are in a.txt?", count(Unit::Lines, "a.txt")),
        ("how many words are there in a.txt", count(Unit::Words, "a.txt")),
        ("how many bytes does a.txt have?", count(Unit::Bytes, "a.txt")),
        (
            "how many files are in src",
            Step::Count { unit: Some(Unit::Files), of: Of::Directory(Listing::of("src")) },
        ),
    ] {
        check(command, &[expected]);
    }
}

#[test]
fn a_single_word_is_a_text_unless_it_may_be_a_reference() {
    check("write hello to a.txt", &[put(literal("hello"), "a.txt", How::Write)]);
    check("append done to a.txt", &[put(literal("done"), "a.txt", How::Append)]);
    check("create a.txt with hello", &[put(literal("hello"), "a.txt", How::Write)]);
    for doubtful in [
        "write hello world to a.txt",
        "write notes.txt to a.txt",
        "write output to a.txt",
        "write everything to a.txt",
        "read a; write names to b",
        "read a then print it",
        "read a then show the output",
        "read a then run it",
        "print \"hello\"",
        "read *.md",
        "ls -l",
        "ls *.md",
        "grep *.md",
        "grep -r TODO src",
        "find notes.txt",
        "find it in src",
        "create a directory with it",
        "create a.txt",
    ] {
        assert!(parse(doubtful).is_err(), "{doubtful}: {:?}", parse(doubtful));
    }
}

#[test]
fn the_previous_result_can_be_called_a_number() {
    let files = || Step::List(Listing::of("."));
    for command in [
        "list the files; write that number to n",
        "list the files; write the number to n",
        "list the files, then save this number in n",
    ] {
        check(command, &[files(), put(Text::HowMany(None), "n", How::Write)]);
    }
    check(
        "list the files; write the number of files to n",
        &[files(), put(Text::HowMany(Some(Unit::Files)), "n", How::Write)],
    );
    check(
        "list the files and save that list as n",
        &[files(), put(Text::Previous, "n", How::Write)],
    );
}

#[test]
fn a_pattern_means_file_names() {
    check("find *.md", &[named("*.md", ".")]);
    check("find all *.md files in docs", &[named("*.md", "docs")]);
    check("find files named a?", &[named("a?", ".")]);
    check("find files *.m?", &[named("*.m?", ".")]);
    check("find \"*.md\" in docs", &[find("*.md", "docs")]);
}

#[test]
fn directories_can_be_listed_alone() {
    let directories = |path: &str| Listing { kinds: Kinds::Directories, ..Listing::of(path) };
    check("list the directories", &[Step::List(directories("."))]);
    check("show folders in src", &[Step::List(directories("src"))]);
    check("list files and directories", &[Step::List(Listing::of("."))]);
}

#[test]
fn punctuation_is_not_part_of_a_name() {
    for command in ["read a.txt.", "read a.txt!", "read a.txt?", "read a.txt?!", "read \"a.txt\"."]
    {
        check(command, &[read("a.txt")]);
    }
    check("list ..", &[Step::List(Listing::of(".."))]);
    check("list .", &[Step::List(Listing::of("."))]);
}

#[test]
fn typographic_quotes_are_quotes() {
    check("write “a\\n \\”b\\”” to ‘x y’", &[put(literal("a\n ”b”"), "x y", How::Write)]);
    check("write „a“ to b", &[put(literal("a"), "b", How::Write)]);
    check("run “echo \\n”", &[run("echo \\n")]);
    check("write ‘it\\n’ to b", &[put(literal("it\\n"), "b", How::Write)]);
    check("read it’s", &[read("it’s")]);
}

#[test]
fn examples_use_the_available_tools() {
    let told = |command: &str, tools: &[&str]| {
        super::parse(command, &tools.iter().copied().collect()).unwrap_err().to_string()
    };
    assert_eq!(
        told("count it all", &["filesystem.read"]),
        "the offline planner does not understand \"count it all\": \"all\" is not expected there; \
         for example: count the lines in notes.txt. `az task run --help` describes the language"
    );
    assert_eq!(
        told("dance", &["filesystem.read", "process.list"]),
        "the offline planner does not understand \"dance\": it does not begin with a known verb \
         (read, count, show); for example: read notes.txt. `az task run --help` describes the language"
    );
    assert!(told("ps aux", &["filesystem.list"]).contains("for example: list the files in src"));
    assert!(told("ps aux", &["process.list"]).contains("for example: show processes"));
}

proptest! {
    #[test]
    fn no_text_causes_a_panic(text in ".{0,120}") {
        parse(&text).ok();
    }

    #[test]
    fn no_words_cause_a_panic(
        words in proptest::collection::vec(
            prop_oneof![
                "list|read|write|append|count|find|run|show|search|then|and|it|the|how|many|files",
                "ls|cat|print|save|add|create|grep|ps|with|containing|that|number|does|have|are|there",
                "to|in|of|;|,|\n|\"|'|`|“|”|‘|’|\\*|\\?|!|-l|\"x\"|a\\.txt|\\.|hidden|recursively|here|lines|named",
            ],
            0..20,
        ),
    ) {
        parse(&words.join(" ")).ok();
    }
}
