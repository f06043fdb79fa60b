//! What can be written where a model is named.

use super::demo::DEMO;
use super::entries::{Entries, Entry};

/// What a name means.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name<'a> {
    /// Whichever the routing rules choose.
    Auto,
    /// The planner that needs no model.
    Offline,
    /// The lines of a file.
    Scripted {
        /// The file.
        file: &'a str,
    },
    /// A recording of an earlier run.
    Replay {
        /// The file.
        file: &'a str,
    },
    /// The recording that is part of the program.
    Demo,
    /// Another model, whose answers are recorded.
    Record {
        /// The file.
        file: &'a str,
        /// The other model; the default when absent.
        model: Option<&'a str>,
    },
    /// A model of the server on this machine.
    Local {
        /// The server's name for it.
        model: &'a str,
    },
    /// A model that has a name of its own.
    Entry(&'a Entry),
    /// A model by its provider's name.
    Of {
        /// The provider.
        provider: &'a Entry,
        /// The provider's name for it.
        model: &'a str,
    },
    /// Something else.
    Unknown,
}

pub(super) const AUTO: &str = "auto";
pub(super) const OFFLINE: &str = "offline";

impl<'a> Name<'a> {
    /// Reads a name.
    pub(super) fn read(text: &'a str, entries: &'a Entries) -> Self {
        if text == AUTO {
            return Self::Auto;
        }
        if text == OFFLINE {
            return Self::Offline;
        }
        if text == DEMO {
            return Self::Demo;
        }
        match text.split_once(':') {
            Some(("scripted", file)) => return Self::Scripted { file },
            Some(("replay", file)) => return Self::Replay { file },
            Some(("record", rest)) => {
                let (file, model) = match rest.split_once('@') {
                    Some((file, model)) => (file, Some(model)),
                    None => (rest, None),
                };
                return Self::Record { file, model };
            }
            _ => {}
        }
        if let Some(entry) = entries.find(text) {
            return Self::Entry(entry);
        }
        match text.split_once('/') {
            Some(("local", model)) if !model.is_empty() => Self::Local { model },
            Some((provider, model)) if !model.is_empty() => {
                let provider = entries.find_provider(provider);
                provider.map_or(Self::Unknown, |provider| Self::Of { provider, model })
            }
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Entries, Name};

    #[test]
    fn every_form_of_name_is_told_from_the_others() {
        let entries = Entries::new(&[]).unwrap();
        let read = |text: &str| match Name::read(text, &entries) {
            Name::Auto => "auto".to_owned(),
            Name::Offline => "offline".to_owned(),
            Name::Demo => "demo".to_owned(),
            Name::Scripted { file } => format!("script {file}"),
            Name::Replay { file } => format!("replay {file}"),
            Name::Record { file, model } => format!("record {file} {model:?}"),
            Name::Local { model } => format!("local {model}"),
            Name::Entry(entry) => format!("entry {}", entry.config.name),
            Name::Of { provider, model } => format!("{model} of {}", provider.config.name),
            Name::Unknown => "unknown".to_owned(),
        };
        for (text, meaning) in [
            ("auto", "auto"),
            ("offline", "offline"),
            ("demo", "demo"),
            ("scripted:a:b.jsonl", "script a:b.jsonl"),
            ("replay:x", "replay x"),
            ("record:x", "record x None"),
            ("record:x@openai/gpt-5", "record x Some(\"openai/gpt-5\")"),
            ("local/qwen:7b", "local qwen:7b"),
            ("claude", "entry claude"),
            ("google/gemini-x", "gemini-x of gemini"),
            ("openrouter/anthropic/claude", "anthropic/claude of openrouter"),
            ("openai/", "unknown"),
            ("nobody/x", "unknown"),
            ("gpt-5", "unknown"),
        ] {
            assert_eq!(read(text), meaning, "{text}");
        }
    }
}
