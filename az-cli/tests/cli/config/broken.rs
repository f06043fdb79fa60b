//! 100 broken files: each error is reported where it is, with the likely correction.

use std::path::Path;

use az_cli::config::{ConfigFile, ConfigProblem, Layer};

use super::cases::cases;

/// Marks an error in the text of a case.
const MARK: char = '⟦';

/// Returns the text without marks, and the line and column of each mark.
fn unmarked(text: &str) -> (String, Vec<(usize, usize)>) {
    let (mut plain, mut places) = (String::new(), Vec::new());
    let (mut line, mut column) = (1, 1);
    for c in text.chars() {
        match c {
            MARK => {
                places.push((line, column));
                continue;
            }
            '\n' => (line, column) = (line + 1, 1),
            _ => column += 1,
        }
        plain.push(c);
    }
    (plain, places)
}

fn problems(text: &str) -> Vec<ConfigProblem> {
    let mut file = ConfigFile::read(Layer::User, Path::new("/nowhere/config.toml")).unwrap();
    file.set_text(text.to_owned());
    file.problems()
}

#[test]
fn each_error_of_a_file_is_located_with_its_line() {
    let cases = cases("broken.txt", "? ");
    assert!(cases.len() >= 100, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let (text, expected) = unmarked(&case.text);
        let found = problems(&text);
        let place = |problem: &ConfigProblem| {
            problem.location.as_ref().map(|location| (location.line, location.column))
        };
        let places: Vec<_> = found.iter().filter_map(place).collect();
        let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
        if places != expected {
            let shown = shown.join("\n");
            wrong.push(format!("{}: {places:?} instead of {expected:?}\n{shown}", case.name));
        }
        for (text, (line, column)) in shown.iter().zip(&places) {
            let begin = format!("/nowhere/config.toml:{line}:{column}: ");
            assert!(text.starts_with(&begin) && text.contains('^'), "{}: {text}", case.name);
            assert!(!text.contains("sk-secret"), "{}: a key is shown: {text}", case.name);
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn nine_of_ten_typos_have_the_right_suggestion() {
    let typos: Vec<_> = cases("broken.txt", "? ");
    let typos = typos.iter().filter(|case| !case.marked.is_empty());
    let (mut all, mut wrong) = (0, Vec::new());
    for case in typos {
        all += 1;
        let found = problems(&unmarked(&case.text).0);
        let suggested = found.first().and_then(|problem| problem.suggestion.clone());
        if suggested.as_ref() != case.marked.first() {
            wrong.push((case.name.clone(), suggested));
        }
    }
    assert!(all >= 50 && wrong.len() * 10 <= all, "{} of {all}: {wrong:?}", wrong.len());
}

#[test]
fn a_message_has_the_line_and_carets_below_the_error() {
    let found = problems("[llm]\nmodle = \"claude\"\n\tmax_tokens = \"many\"\n");
    let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "/nowhere/config.toml:2:1: llm: unknown key `modle`; did you mean `model`?\n \
             2 | modle = …\n   | ^^^^^",
            "/nowhere/config.toml:3:15: llm.max_tokens: expected a whole number from 1 to \
             4294967295, found text\n 3 | \tmax_tokens = \"many\"\n   | \t             ^^^^^^",
        ]
    );
}

#[test]
fn a_key_in_the_wrong_table_is_named_as_it_is_written_in_the_right_place() {
    for (text, expected) in [
        (
            "[tools.sandbox]\ntier = \"off\"",
            "tools: unknown key `sandbox`; did you mean `[sandbox]`?",
        ),
        ("[routing]", "unknown key `routing`; did you mean `[llm.routing]`?"),
        ("[[rules]]", "unknown key `rules`; did you mean `[[tools.rules]]`?"),
        ("hosts = []", "unknown key `hosts`; did you mean `tools.web.hosts`?"),
        (
            "[store]\ndata_dir = \"/x\"",
            "store: unknown key `data_dir`; it belongs to the beginning of the file, before all tables",
        ),
    ] {
        let found: Vec<_> = problems(text).iter().map(ConfigProblem::in_words).collect();
        assert_eq!(found, [expected], "{text}");
    }
}

#[test]
fn a_line_with_several_values_is_shown_without_them() {
    for text in [
        "network = { proxy = \"http://u:pw@p:3128\", ca_file = 5 }\n",
        "network = { ca_file = 5, proxy = \"http://u:pw@p:3128\" }\n",
        "network = { proxy =\n\"http://u:pw@p:3128\", ca_file = 5 }\n",
        "[[llm.providers]]\nname = \"x\"\nprovider = \"groq\"\nmodel = 1 # api_key = \"pw\"\n",
    ] {
        let found = problems(text);
        let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert!(!shown.is_empty() && !shown.concat().contains("pw"), "{shown:?}");
    }
}
