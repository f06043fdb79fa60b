//! Which tools a model gets when there are many, and how it finds the others.
//!
//! The descriptions of hundreds of tools would fill the context, and models choose badly among them. Above
//! [`SENT_AT_ONCE`] tools only the core ones are sent, with [`TOOL_SEARCH`] and [`TOOL_CALL`]. What a search
//! finds is appended to the conversation as its result, so that the prefix that providers cache does not change.

use std::collections::BTreeMap;

use super::spec::ToolSpec;

/// The name of the tool that finds tools.
pub const TOOL_SEARCH: &str = "tool_search";

/// The name of the tool that calls a tool by its name. The engine makes the call that it contains in its
/// place, so that the policy, the journal and the person who is asked see that one.
pub const TOOL_CALL: &str = "tool_call";

/// The number of tools up to which all are sent to the model.
pub const SENT_AT_ONCE: usize = 40;

/// How much a word of the name counts more than one of the description.
const NAME_WEIGHT: f64 = 3.0;

/// Returns `true` for [`TOOL_SEARCH`] and [`TOOL_CALL`], which every task may use.
pub fn finds_tools(name: &str) -> bool {
    name == TOOL_SEARCH || name == TOOL_CALL
}

/// Returns `true` if there are so many tools that only some are sent to the model.
pub fn are_many(specs: &[ToolSpec]) -> bool {
    specs.iter().filter(|spec| !finds_tools(&spec.name)).nth(SENT_AT_ONCE).is_some()
}

/// Returns the tools that are sent to the model: all, or the core ones and those that find the others. All of
/// any number are sent if none of them finds others.
pub fn sent_tools(specs: &[ToolSpec]) -> impl Iterator<Item = &ToolSpec> {
    let is_searched = are_many(specs) && specs.iter().any(|spec| spec.name == TOOL_SEARCH);
    specs.iter().filter(move |spec| match finds_tools(&spec.name) {
        true => is_searched,
        false => !is_searched || spec.core,
    })
}

/// Returns the tools whose names and descriptions match a query best, best first: those that contain its words,
/// where rare words count more than frequent ones (BM25), and those of the name more than those of the description.
/// A tool that contains none of the words is not returned. [`TOOL_SEARCH`] and [`TOOL_CALL`] are never returned.
pub fn search_tools<'s>(specs: &'s [ToolSpec], query: &str, limit: usize) -> Vec<&'s ToolSpec> {
    let searched = specs.iter().filter(|spec| !finds_tools(&spec.name));
    let texts: Vec<_> = searched.map(|spec| (spec, SearchedText::of(spec))).collect();
    let wanted: BTreeMap<String, f64> =
        words(query).into_iter().map(|word| (word.clone(), rarity(&texts, &word))).collect();
    let average = texts.iter().map(|(_, text)| text.length).sum::<f64>() / count(texts.len());
    let scored = texts.iter().map(|(spec, text)| (text.score(&wanted, average), *spec));
    let mut found: Vec<_> = scored.filter(|(score, _)| *score > 0.0).collect();
    // A stable sort: tools with the same score stay in the order of the toolbox.
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    found.into_iter().take(limit).map(|(_, spec)| spec).collect()
}

/// The words of a tool, with the weight of their occurrences.
struct SearchedText {
    words: BTreeMap<String, f64>,
    length: f64,
}

impl SearchedText {
    fn of(spec: &ToolSpec) -> Self {
        let mut words = BTreeMap::new();
        let mut length = 0.0;
        for (text, weight) in [(&spec.name, NAME_WEIGHT), (&spec.description, 1.0)] {
            for word in self::words(text) {
                *words.entry(word).or_default() += weight;
                length += weight;
            }
        }
        Self { words, length }
    }

    /// Returns the score of BM25, with its usual parameters.
    fn score(&self, wanted: &BTreeMap<String, f64>, average: f64) -> f64 {
        const SATURATION: f64 = 1.2;
        const LENGTH: f64 = 0.75;
        let norm = SATURATION * (1.0 - LENGTH + LENGTH * self.length / average);
        let of_word = |(word, rarity): (&String, &f64)| {
            let times = self.words.get(word)?;
            Some(rarity * times * (SATURATION + 1.0) / (times + norm))
        };
        wanted.iter().filter_map(of_word).sum()
    }
}

/// Returns how much a word counts: the more, the fewer tools contain it.
fn rarity(texts: &[(&ToolSpec, SearchedText)], word: &str) -> f64 {
    let containing = texts.iter().filter(|(_, text)| text.words.contains_key(word)).count();
    let (all, containing) = (count(texts.len()), count(containing));
    ((all - containing + 0.5) / (containing + 0.5)).ln_1p()
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Returns the words of a text in lower case and without the `s` of a plural. A capital letter in a word begins
/// another one, as in `createIssue`.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for c in text.chars().chain([' ']) {
        if (!c.is_alphanumeric() || (c.is_uppercase() && was_lower)) && !word.is_empty() {
            words.push(singular(std::mem::take(&mut word)));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words
}

fn singular(mut word: String) -> String {
    if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") {
        word.pop();
    }
    word
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{search_tools, sent_tools, words};
    use crate::tool::ToolSpec;

    fn spec(name: &str, description: &str) -> ToolSpec {
        ToolSpec::new(name, description, json!({"type": "object"}))
    }

    fn many(number: usize) -> Vec<ToolSpec> {
        let mut specs: Vec<_> = (0..number).map(|i| spec(&format!("t{i}"), "")).collect();
        specs.extend([spec("tool_search", ""), spec("tool_call", "")]);
        specs
    }

    fn names<'s>(specs: impl IntoIterator<Item = &'s ToolSpec>) -> Vec<&'s str> {
        specs.into_iter().map(|spec| spec.name.as_str()).collect()
    }

    #[test]
    fn above_forty_tools_the_core_ones_and_those_that_find_others_are_sent() {
        let mut specs = many(41);
        specs[7] = spec("t7", "").as_core();
        assert_eq!(names(sent_tools(&specs)), ["t7", "tool_search", "tool_call"]);
        let forty = many(40);
        assert_eq!(names(sent_tools(&forty)), names(&forty[..40]));
        let without_search = &many(50)[..50];
        assert_eq!(names(sent_tools(without_search)), names(without_search));
    }

    #[test]
    fn the_best_matches_come_first() {
        let specs = [
            spec("github.createIssue", "Creates an issue in a repository"),
            spec("github.list_issues", "Lists the issues of a repository"),
            spec("calendar.create", "Creates an event in a calendar"),
            spec("mail.send", "Sends a mail. Creates a draft first"),
            spec("tool_search", "Finds an issue"),
        ];
        let found = |query, limit| names(search_tools(&specs, query, limit));
        assert_eq!(found("create issue", 9)[0], "github.createIssue");
        assert_eq!(found("Issues", 9), ["github.createIssue", "github.list_issues"]);
        assert_eq!(found("list Issues", 1), ["github.list_issues"]);
        assert_eq!(found("create", 2).len(), 2);
        assert_eq!(found("calendar events", 1), ["calendar.create"]);
        for (query, limit) in [("weather", 9), ("", 9), ("issue", 0)] {
            assert_eq!(found(query, limit), [""; 0], "{query:?}");
        }
        assert_eq!(names(search_tools(&[], "issue", 9)), [""; 0]);
    }

    #[test]
    fn words_are_separated_by_signs_and_by_capital_letters() {
        assert_eq!(
            words("createIssues_of-HTTPS.v2 Émile"),
            ["create", "issue", "of", "http", "v2", "émile"]
        );
    }
}
