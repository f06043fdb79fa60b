//! Parses a command.

use std::collections::BTreeSet;

use super::cursor::SyntaxError;
use super::lex::{Kind, Token, Unclosed, tokens};
use super::phrase::{step, verb};
use super::step::Step;
use super::verb::Verb;
use crate::error::Error;

/// Words that join two steps and have no other meaning.
const JOINS: &[&str] = &["then", "and", "also", "finally", "afterwards"];

/// Words that a pattern follows.
const BEFORE_PATTERN: &[&str] = &["named", "called", "matching", "like"];

/// Words without a meaning in a step.
const FILLERS: &[&str] = &["first", "now", "next", "please", "then", "and"];

/// Parses a whole command.
///
/// # Errors
///
/// [`Error::NotUnderstood`], which names the part that is not understood, and an example that is
/// and that these tools can execute.
pub(super) fn parse(command: &str, offered: &BTreeSet<&str>) -> Result<Vec<Step>, Error> {
    let not_understood = |part: &str, why: &str, verb| not_understood(part, why, verb, offered);
    let tokens = tokens(command).map_err(|Unclosed { start }| {
        not_understood(&quote(command, start, command.len()), "its quote does not end", None)
    })?;
    let mut steps: Vec<Step> = Vec::new();
    for clause in clauses(&tokens) {
        let range = |from: &Token| quote(command, from.start, end(command, &clause, from));
        let whole = clause.first().map(range).unwrap_or_default();
        let verb = verb(&clause);
        let step = step(&clause).map_err(|trouble| {
            let part = |at: usize| clause.get(at).map(range).unwrap_or_default();
            let why = match trouble {
                SyntaxError::At(0) => unknown_verb(offered),
                SyntaxError::At(at) => format!("{} is not expected there", part(at)),
                SyntaxError::Doubtful(at, why) => format!("{} {why}", part(at)),
                SyntaxError::Missing(what) => format!("{what} should follow"),
            };
            not_understood(&whole, &why, verb)
        })?;
        if step.refers_back() && steps.is_empty() {
            let why = "it refers to a step before, and there is none";
            return Err(not_understood(&whole, why, verb));
        }
        steps.push(step);
    }
    if steps.is_empty() {
        return Err(not_understood(&quote(command, 0, command.len()), "it contains no step", None));
    }
    Ok(steps)
}

/// Splits the tokens into steps: at breaks, at `then`, and at `and` or a comma before a verb.
fn clauses(tokens: &[Token]) -> Vec<Vec<Token>> {
    let mut clauses = vec![Vec::new()];
    let mut rest = tokens.iter().peekable();
    let mut from = 0;
    while let Some(token) = rest.next() {
        from += 1;
        let after = tokens.get(from..).unwrap_or_default();
        let ends = match &token.kind {
            Kind::Break => true,
            Kind::Comma => begins_step(after),
            Kind::Word(_) => token.is(&["then"]) || (token.is(&["and"]) && begins_step(after)),
            Kind::Quoted { .. } => false,
        };
        if ends {
            while rest.next_if(|next| next.is(JOINS) || next.kind == Kind::Comma).is_some() {
                from += 1;
            }
            clauses.push(Vec::new());
        } else if token.kind != Kind::Comma
            && let Some(clause) = clauses.last_mut()
        {
            clause.push(token.clone());
        }
    }
    // "First," before a verb is not a step.
    clauses.retain(|clause| !clause.iter().all(|token| token.is(FILLERS)));
    clauses.iter_mut().for_each(end_sentence);
    clauses
}

/// Whether the next tokens begin another step.
fn begins_step(tokens: &[Token]) -> bool {
    let mut words = tokens.iter().skip_while(|token| token.is(JOINS));
    let verb = words.next().and_then(Token::keyword);
    verb.is_some_and(|word| Verb::named(&word).is_some())
        || tokens.first().is_some_and(|token| token.is(&["then"]))
}

/// Removes the punctuation at the end of a sentence from its last word, but no dot of a path and no
/// mark of a pattern; ignores punctuation after a quoted text.
fn end_sentence(clause: &mut Vec<Token>) {
    const MARKS: &[char] = &['.', '!', '?'];
    let Some((last, before)) = clause.split_last_mut() else {
        return;
    };
    let Kind::Word(word) = &mut last.kind else {
        return;
    };
    let before = before.last();
    let joined = before.is_some_and(|before| before.end == last.start);
    if word.trim_end_matches(MARKS).is_empty() && joined {
        clause.pop();
        return;
    }
    let pattern = word.contains('*') || before.is_some_and(|before| before.is(BEFORE_PATTERN));
    while let Some((at, mark)) = word.char_indices().next_back() {
        let bare = word.get(..at).unwrap_or_default();
        let ends = mark == '!' || (mark == '?' && !pattern) || mark == '.';
        if !ends || bare.is_empty() || bare.ends_with(['.', '/']) {
            return;
        }
        *word = bare.to_owned();
    }
}

/// Returns the end of the step that contains a token.
fn end(command: &str, clause: &[Token], from: &Token) -> usize {
    clause.last().map_or(command.len(), |last| last.end.max(from.end))
}

fn quote(command: &str, start: usize, end: usize) -> String {
    let part = command.get(start..end).unwrap_or_default();
    format!("{:?}", az_core::text::one_line(part, 80))
}

fn unknown_verb(offered: &BTreeSet<&str>) -> String {
    let known = Verb::known(offered).join(", ");
    format!("it does not begin with a known verb ({known})")
}

fn not_understood(part: &str, why: &str, verb: Option<Verb>, offered: &BTreeSet<&str>) -> Error {
    let example = Verb::example(verb, offered);
    let example = example.map(|example| format!("; for example: {example}")).unwrap_or_default();
    Error::NotUnderstood {
        reason: format!(
            "the offline planner does not understand {part}: {why}{example}. `az task run --help` \
             describes the language"
        ),
    }
}

#[cfg(test)]
mod tests;
