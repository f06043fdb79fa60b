//! Suggests what to type instead of a command that does not exist.

use std::ffi::OsString;
use std::io::Write;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::suggestion::quoted;

/// Words that other programs use to run a task.
const RUN: [&str; 7] = ["ask", "chat", "do", "exec", "prompt", "query", "start"];

/// Prints what to type instead of a command that does not exist.
pub(crate) fn suggest(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let alternatives = alternatives(error, &args, &crate::cli::command());
    if alternatives.is_empty() {
        return None;
    }
    let typed: Vec<_> = alternatives.iter().map(|command| format!("`{command}`")).collect();
    let text = format!("type {}", typed.join(" or "));
    // A closed standard error is not an error.
    writeln!(std::io::stderr().lock(), "\nhelp: {text}").ok();
    Some(text)
}

/// Returns the commands to type instead; none if the error is another one, or if the word is similar
/// to a command, which the error names itself.
///
/// `args` are the arguments with the program's name.
pub(crate) fn alternatives(
    error: &clap::Error,
    args: &[String],
    root: &clap::Command,
) -> Vec<String> {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return Vec::new();
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return Vec::new();
    };
    let mut named = Vec::new();
    find(root, word, &mut Vec::new(), &mut named);
    if !named.is_empty() {
        let typed: Vec<_> = named.iter().map(|path| command(args, word, path)).collect();
        let accepted: Vec<_> =
            typed.iter().filter(|line| is_accepted(line, root)).cloned().collect();
        return if accepted.is_empty() { typed } else { accepted };
    }
    if RUN.contains(&word.as_str()) {
        return vec![command(args, word, "task run")];
    }
    match error.get(ContextKind::SuggestedSubcommand) {
        Some(_) => Vec::new(),
        None => vec![command(args, word, &format!("task run {}", quoted(word)))],
    }
}

fn is_accepted(line: &str, root: &clap::Command) -> bool {
    let words = shlex::split(line).unwrap_or_default();
    root.clone().try_get_matches_from(words).is_ok()
}

/// Collects the commands below `parent` that have this name, as they are typed.
fn find(parent: &clap::Command, word: &str, path: &mut Vec<String>, found: &mut Vec<String>) {
    for child in parent.get_subcommands() {
        path.push(child.get_name().to_owned());
        if child.get_name() == word || child.get_all_aliases().any(|alias| alias == word) {
            found.push(path.join(" "));
        }
        find(child, word, path, found);
        path.pop();
    }
}

/// Returns the command line with other words in place of the unknown one and the groups before it.
fn command(args: &[String], word: &str, replacement: &str) -> String {
    let mut before = args.iter().skip(1);
    let options = before.by_ref().take_while(|arg| *arg != word);
    // The groups before the word are part of the replacement.
    let options: Vec<_> =
        options.filter(|arg| arg.starts_with('-')).map(|arg| quoted(arg)).collect();
    let rest = before.map(|arg| quoted(arg));
    let words = std::iter::once("az".to_owned()).chain(options);
    words.chain([replacement.to_owned()]).chain(rest).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::alternatives;
    use crate::cli::command;

    fn suggested(line: &str) -> Vec<String> {
        let args = shlex::split(line).unwrap();
        let error = command().try_get_matches_from(&args).unwrap_err();
        alternatives(&error, &args, &command())
    }

    #[test]
    fn a_question_is_a_task() {
        assert_eq!(suggested("az 'why is it blue?'"), ["az task run 'why is it blue?'"]);
        assert_eq!(suggested("az summarise notes.md"), ["az task run summarise notes.md"]);
        assert_eq!(suggested("az --json 'x y'"), ["az --json task run 'x y'"]);
    }

    #[test]
    fn a_command_is_found_in_its_group() {
        let run = ["az task run 'list files' --allow shell"];
        assert_eq!(suggested("az run 'list files' --allow shell"), run);
        assert_eq!(suggested("az run"), ["az worker run"]);
        assert_eq!(suggested("az list --limit 3"), ["az task list --limit 3"]);
        assert_eq!(suggested("az budget show"), ["az cost budget show"]);
        assert_eq!(suggested("az logs 4f2a"), ["az task logs 4f2a"]);
    }

    #[test]
    fn a_word_of_other_programs_runs_a_task() {
        assert_eq!(suggested("az chat"), ["az task run"]);
        assert_eq!(suggested("az ask 'why?'"), ["az task run 'why?'"]);
        assert_eq!(suggested("az task ask 'why?'"), ["az task run 'why?'"]);
    }

    #[test]
    fn a_misspelt_command_is_suggested_by_the_parser() {
        assert_eq!(suggested("az taks list"), Vec::<String>::new());
        assert_eq!(suggested("az task run"), Vec::<String>::new());
    }
}
