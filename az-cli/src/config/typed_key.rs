//! Refuses API keys in values that are typed.

use toml::de::DeValue;

use super::key::Key;
use super::kind::Kind;

/// Returns why a value, which is TOML, cannot be set for a key from the command line; `None` if it can.
pub(super) fn refused(key: &Key, toml: &str) -> Option<&'static str> {
    const VISIBLE: &str = "an API key on the command line is visible to other processes and is kept in \
                           the history of the shell; leave it out, and set it with `az config set \
                           llm.providers.NAME.api_key`, which asks for it";
    let has_key = || DeValue::parse(toml).is_ok_and(|value| has_api_key(value.get_ref()));
    (matches!(key.kind, Kind::Secret) || has_key()).then_some(VISIBLE)
}

/// Whether a table in a value, at any depth, has an API key.
fn has_api_key(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Array(items) => items.iter().any(|item| has_api_key(item.get_ref())),
        DeValue::Table(table) => table.iter().any(|(name, value)| {
            name.get_ref().eq_ignore_ascii_case("api_key") || has_api_key(value.get_ref())
        }),
        _ => false,
    }
}
