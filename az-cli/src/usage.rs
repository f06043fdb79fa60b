//! Usage errors as JSON, for programs that asked for JSON.

use std::ffi::OsString;
use std::io::{self, Write};

use crate::error::USAGE;
use crate::views::NoticeView;

/// Returns `true` if `--json` or `--format json` is among the arguments. They cannot be parsed where
/// this is called.
pub(crate) fn wants_json(args: &[OsString]) -> bool {
    let texts = || args.iter().filter_map(|arg| arg.to_str()).take_while(|arg| *arg != "--");
    let formats = texts().zip(texts().skip(1)).filter(|(option, _)| *option == "--format");
    let is_json = |value: &str| value == "json" || value == "jsonl";
    texts().any(|arg| arg == "--json" || arg.strip_prefix("--format=").is_some_and(is_json))
        || formats.into_iter().any(|(_, value)| is_json(value))
}

/// Prints an error of the arguments as an event, as other errors are. A suggestion is the first line of
/// the help.
pub(crate) fn print_json(error: &clap::Error, suggestion: Option<&str>) {
    let notice = notice(&error.to_string(), suggestion);
    if let Ok(line) = serde_json::to_string(&notice) {
        // The error is on standard error already.
        writeln!(io::stdout().lock(), "{line}").ok();
    }
}

/// Returns the event of an error of clap: its first paragraph is the message, the rest is help.
fn notice(text: &str, suggestion: Option<&str>) -> NoticeView {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let (message, help) = text.split_once("\n\n").unwrap_or((text, ""));
    let help: Vec<_> = suggestion.into_iter().chain([help.trim()]).collect();
    let help = help.join("\n").trim().to_owned();
    NoticeView::Error {
        message: message.trim().to_owned(),
        help: (!help.is_empty()).then_some(help),
        exit_code: USAGE,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{notice, wants_json};
    use crate::views::NoticeView;

    #[test]
    fn json_is_wanted_by_either_option_in_any_form() {
        let wants =
            |line: &str| wants_json(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for line in
            ["az --json x", "az x --format json", "az x --format=json", "az x --format jsonl"]
        {
            assert!(wants(line), "{line}");
        }
        for line in ["az x", "az x --format csv", "az x json", "az run -- --json"] {
            assert!(!wants(line), "{line}");
        }
    }

    #[test]
    fn the_first_paragraph_is_the_message() {
        let text = "error: unexpected argument '--x' found\n\nUsage: az task list\n";
        let expected = NoticeView::Error {
            message: "unexpected argument '--x' found".to_owned(),
            help: Some("Usage: az task list".to_owned()),
            exit_code: 2,
        };
        assert_eq!(notice(text, None), expected);
    }
}
