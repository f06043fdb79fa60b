//! Checks a parsed file: its keys and the values of them.

use az_ai::model_name::ModelName;
use az_ai::resolver::near;
use az_core::secret::is_secret_name;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::Key;
use super::keys::KEYS;
use super::kind::{Kind, described};
use super::layer::Layer;
use super::mcp::problem_of_server;
use super::path::{all_keys, is_entry_name};
use super::problem::Problem;
use super::tool_rules::{RULES, problem_of_rule};

/// Returns all that is wrong with a document, in the order of its text.
pub(super) fn check(root: &DeTable<'_>, layer: Layer) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_table("", root, KEYS, &mut problems);
    check_layer("", root, layer, &mut problems);
    problems.sort_by_key(|problem| problem.span.start);
    problems
}

/// Finds what only some layers may set: an API key as a plain value, and models that are files.
fn check_layer(prefix: &str, table: &DeTable<'_>, layer: Layer, problems: &mut Vec<Problem>) {
    for (name, value) in table {
        let full = format!("{prefix}{}", name.get_ref().to_ascii_lowercase());
        let reason = match value.get_ref() {
            DeValue::Table(below) => {
                check_layer(&format!("{full}."), below, layer, problems);
                None
            }
            DeValue::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    match item.get_ref() {
                        DeValue::Table(below) => {
                            check_layer(&format!("{full}[{i}]."), below, layer, problems);
                        }
                        DeValue::String(text)
                            if layer == Layer::Project
                                && (is_secret(text) || is_secret_header(&full, text)) =>
                        {
                            problems.push(Problem::new(&full, item.span(), PLAIN_KEY));
                        }
                        _ => {}
                    }
                }
                None
            }
            DeValue::String(text) => of_layer(&full, text, layer),
            _ => None,
        };
        problems.extend(reason.map(|reason| Problem::new(&full, value.span(), reason)));
    }
}

const PLAIN_KEY: &str =
    "a project file must not hold a key or a password; name a variable or a file that has it";

/// Whether a variable with a value is one that holds a secret, by its name.
fn is_secret(variable: &str) -> bool {
    variable.split_once('=').is_some_and(|(name, _)| is_secret_name(name))
}

/// Whether a text is a header with a secret in it, which no variable holds.
fn is_secret_header(full: &str, text: &str) -> bool {
    let is_secret = |name: &str| {
        is_secret_name(&name.replace('-', "_"))
            || ["authorization", "cookie"].iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    full.ends_with(".headers")
        && !text.contains("${")
        && text.split_once(':').is_some_and(|(name, _)| is_secret(name))
}

/// Returns why a layer may not have this value.
fn of_layer(full: &str, text: &str, layer: Layer) -> Option<&'static str> {
    if layer == Layer::Project && full.ends_with(".api_key") {
        return Some(PLAIN_KEY);
    }
    let is_model =
        full == "llm.model" || full == "llm.default_provider" || full.ends_with("].provider");
    (is_model && !layer.may_name_files() && names_file(text)).then_some(NAMES_FILE)
}

/// The error of a model that a layer may not set.
pub(crate) const NAMES_FILE: &str = "record:, replay: and scripted: are accepted only from the command \
                                     line, the environment and the user's file";

/// Whether this is the name of a model that reads or writes a file.
pub(crate) fn names_file(model: &str) -> bool {
    model.trim().parse().is_ok_and(|name: ModelName| name.names_file())
}

fn check_table(
    prefix: &str,
    table: &DeTable<'_>,
    keys: &'static [Key],
    problems: &mut Vec<Problem>,
) {
    // In the order of the text, so that the second of two keys is reported.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in entries {
        if seen.iter().any(|seen| seen.eq_ignore_ascii_case(name.get_ref())) {
            let what =
                format!("duplicate key `{}`; the case of keys does not count", name.get_ref());
            problems.push(Problem::new("", name.span(), what));
            continue;
        }
        seen.push(name.get_ref());
        match Key::find(keys, name.get_ref()) {
            Some(key) => {
                let full = format!("{prefix}{}", key.name);
                check_value(&full, key, (name, value), problems);
            }
            None => problems.push(unknown(prefix, name, keys)),
        }
    }
}

fn check_value(
    full: &str,
    key: &'static Key,
    (name, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>),
    problems: &mut Vec<Problem>,
) {
    match (key.kind, value.get_ref()) {
        (Kind::Table(keys), DeValue::Table(table)) => {
            check_table(&format!("{full}."), table, keys, problems);
        }
        (Kind::Tables(keys), DeValue::Array(items)) => {
            for (i, item) in items.iter().enumerate() {
                check_item(&format!("{full}[{i}]"), item, keys, problems);
            }
        }
        (Kind::NamedTables(keys), DeValue::Table(table)) => {
            for (name, item) in table {
                let named = format!("{full}.{}", name.get_ref());
                if !is_entry_name(name.get_ref()) {
                    let what = "a name has letters, digits, _ and - only, and at most 32 of them";
                    problems.push(Problem::new(full, name.span(), what));
                } else if let Some(reason) = problem_of_server(item.get_ref()) {
                    problems.push(Problem::new(&named, name.span(), reason));
                } else {
                    check_item(&named, item, keys, problems);
                }
            }
        }
        (Kind::Table(_) | Kind::Tables(_) | Kind::NamedTables(_), found) => {
            let hint = match found {
                DeValue::Table(_) => format!("; write [[{full}]]"),
                _ if matches!(key.kind, Kind::NamedTables(_)) => format!("; write [{full}.NAME]"),
                _ => String::new(),
            };
            let what =
                format!("expected {}, found {}{hint}", key.kind.in_words(), described(found));
            problems.push(Problem::new(full, name.span(), what));
        }
        (kind, _) => problems.extend(kind.problems(full, value)),
    }
}

fn check_item(
    full: &str,
    item: &Spanned<DeValue<'_>>,
    keys: &'static [Key],
    problems: &mut Vec<Problem>,
) {
    let DeValue::Table(table) = item.get_ref() else {
        let what = format!("expected a table, found {}", described(item.get_ref()));
        return problems.push(Problem::new(full, item.span(), what));
    };
    let begin = problems.len();
    check_table(&format!("{full}."), table, keys, problems);
    let names: Vec<_> = table.keys().map(|name| name.get_ref().to_ascii_lowercase()).collect();
    for key in keys.iter().filter(|key| key.required && !names.iter().any(|name| name == key.name))
    {
        // A key that was written with a typo is not reported as missing, too.
        let meant = |problem: &Problem| problem.suggestion.as_deref() == Some(key.name);
        if !problems.iter().skip(begin).any(meant) {
            let what = format!("the key `{}` is missing", key.name);
            problems.push(Problem::new(full, item.span(), what));
        }
    }
    if problems.len() == begin && full.starts_with(RULES) {
        problems.extend(problem_of_rule(full, item));
    }
}

/// Returns the problem of a key that does not exist.
fn unknown(
    prefix: &str,
    name: &Spanned<std::borrow::Cow<'_, str>>,
    keys: &'static [Key],
) -> Problem {
    let written = name.get_ref();
    let names = keys.iter().map(|key| key.name);
    let likely = near(&written.replace('-', "_"), names.clone()).into_iter().next();
    let likely = likely.or_else(|| elsewhere(written));
    let what = match &likely {
        Some(place) if place == written => format!(
            "unknown key `{written}`; it belongs to the beginning of the file, before all tables"
        ),
        Some(_) => format!("unknown key `{written}`"),
        None => {
            let known = names.collect::<Vec<_>>().join(", ");
            format!("unknown key `{written}`; known are {known}")
        }
    };
    let problem = Problem::new("", name.span(), what);
    let likely = likely.filter(|place| place != written);
    Problem { suggestion: likely, key: prefix.trim_end_matches('.').to_owned(), ..problem }
}

/// Returns the place of a key that was written in another table, as it is written there: the header of a table,
/// or the full name of another key.
fn elsewhere(written: &str) -> Option<String> {
    let mut all = all_keys().into_iter();
    let (full, key) = all.find(|(full, _)| full.rsplit('.').next() == Some(written))?;
    Some(match key.kind {
        Kind::Table(_) => format!("[{full}]"),
        Kind::Tables(_) => format!("[[{full}]]"),
        _ => full,
    })
}
