//! Reads a whole command.

use super::lex::{Kind, Token, Unclosed, tokens};
use super::phrase::{Trouble, VERBS, step};
use super::step::Step;
use crate::error::Error;

/// Words that join two steps and say nothing else.
const JOINS: &[&str] = &["then", "and", "also", "finally", "afterwards"];

/// Words that say nothing about a step.
const FILLERS: &[&str] = &["first", "now", "next", "please", "then", "and"];

/// Reads a command; all of it, or nothing.
///
/// # Errors
///
/// [`Error::NotUnderstood`], which names the part that was not understood, and the verbs.
pub(super) fn parse(command: &str) -> Result<Vec<Step>, Error> {
    let tokens = tokens(command).map_err(|Unclosed { start }| {
        not_understood(&quote(command, start, command.len()), "its quote does not end")
    })?;
    let mut steps: Vec<Step> = Vec::new();
    for clause in clauses(&tokens) {
        let range = |from: &Token| quote(command, from.start, end(command, &clause, from));
        let whole = clause.first().map(range).unwrap_or_default();
        let step = step(&clause).map_err(|trouble| match trouble {
            Trouble::At(0) => not_understood(&whole, "it does not begin with a verb that is known"),
            Trouble::At(at) => {
                let part = clause.get(at).map(range).unwrap_or_default();
                not_understood(&whole, &format!("{part} makes no sense there"))
            }
            Trouble::Missing(what) => not_understood(&whole, &format!("{what} should follow")),
        })?;
        if step.refers_back() && steps.is_empty() {
            return Err(not_understood(&whole, "it refers to a step before, and there is none"));
        }
        steps.push(step);
    }
    if steps.is_empty() {
        return Err(not_understood(&quote(command, 0, command.len()), "it asks for nothing"));
    }
    Ok(steps)
}

/// Cuts the pieces into steps: at breaks, at `then`, and at `and` or a comma before a verb.
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
    // "First," before a verb is no step.
    clauses.retain(|clause| !clause.iter().all(|token| token.is(FILLERS)));
    clauses.iter_mut().for_each(|clause| end_sentence(clause));
    clauses
}

/// Whether what follows begins another step.
fn begins_step(tokens: &[Token]) -> bool {
    let mut words = tokens.iter().skip_while(|token| token.is(JOINS));
    words.next().is_some_and(|token| token.is(VERBS))
        || tokens.first().is_some_and(|token| token.is(&["then"]))
}

/// Takes the full stop from the last word of a sentence, but no dot from a path.
fn end_sentence(clause: &mut [Token]) {
    let Some(Token { kind: Kind::Word(word), .. }) = clause.last_mut() else {
        return;
    };
    let bare = word.strip_suffix('.').unwrap_or_default();
    if !bare.is_empty() && !bare.ends_with(['.', '/']) {
        *word = bare.to_owned();
    }
}

/// Returns where the step ends that a piece of it belongs to.
fn end(command: &str, clause: &[Token], from: &Token) -> usize {
    clause.last().map_or(command.len(), |last| last.end.max(from.end))
}

fn quote(command: &str, start: usize, end: usize) -> String {
    let part = command.get(start..end).unwrap_or_default();
    format!("{:?}", az_core::text::one_line(part, 80))
}

fn not_understood(part: &str, why: &str) -> Error {
    Error::NotUnderstood {
        reason: format!(
            "the offline planner does not understand {part}: {why}. It is not a model; it knows \
             {}. Examples: list the files here, then write how many there are to count.txt; read \
             notes.txt and write it to copy.txt; append \"done\" to log.txt; count the words in \
             notes.txt; find \"TODO\" in src; find files named *.rs; run \"cargo --version\"; show \
             processes; search for \"budgets\"",
            VERBS.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests;
