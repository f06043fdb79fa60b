//! `az config set llm.api_key`: asks for a key.

use std::process::ExitCode;

use super::layer::{LayerArgs, Target};
use super::{Context, files};
use crate::api_key::{add_key, default_entry, read_key};
use crate::config::Layer;
use crate::error::CliError;
use crate::views::NoticeView;

/// The entry whose key is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    /// That of `llm.default_provider`.
    Default,
    /// The one with this name.
    Named(&'a str),
}

/// Returns the entry whose key a word sets; `None` if it sets something else.
pub(super) fn entry_of(word: &str) -> Option<Entry<'_>> {
    if word.eq_ignore_ascii_case("llm.api_key") {
        return Some(Entry::Default);
    }
    let name = word.strip_prefix("llm.providers.")?.strip_suffix(".api_key")?;
    (!name.is_empty()).then_some(Entry::Named(name))
}

/// Asks for a key, and writes it into a file that only the user can read.
///
/// # Errors
///
/// A usage error if no key is entered, the entry is not known, or for another layer than the user's.
pub(super) fn set_key(
    entry: Entry<'_>,
    layer: LayerArgs,
    context: &Context<'_>,
) -> Result<ExitCode, CliError> {
    if layer.layer != Target::User {
        let what = "an API key belongs to the user; leave out --layer";
        return Err(CliError::Usage(what.to_owned()));
    }
    let name = match entry {
        Entry::Named(name) => name.to_owned(),
        Entry::Default => default_entry(context.env)?,
    };
    let config = Target::User.only_file(context)?;
    let key = read_key(&name)?;
    let path = files::change(context, Layer::User, &config, |file| add_key(file, &name, &key))?;
    let path = path.display();
    let text = format!("the API key of {name} is in {path}, which only you can read");
    let notice = NoticeView::ConfigSet {
        key: format!("llm.providers.{name}.api_key_file"),
        source: config.display().to_string(),
    };
    context.printer.done(&text, &notice)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::{Entry, entry_of};

    #[test]
    fn the_entry_of_a_key_is_the_default_or_named() {
        assert_eq!(entry_of("llm.api_key"), Some(Entry::Default));
        assert_eq!(entry_of("llm.providers.fast.api_key"), Some(Entry::Named("fast")));
        assert_eq!(entry_of("llm.providers.fast.model"), None);
        assert_eq!(entry_of("llm.api_key=sk"), None);
    }
}
