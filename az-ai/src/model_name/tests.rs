use proptest::prelude::*;

use super::ModelName;

fn named(name: &str) -> ModelName {
    ModelName::Named(name.to_owned())
}

fn qualified(provider: &str, model: &str) -> ModelName {
    ModelName::Qualified { provider: provider.to_owned(), model: model.to_owned() }
}

fn recorded(file: &str, model: Option<ModelName>) -> ModelName {
    ModelName::Record { file: file.to_owned(), model: model.map(Box::new) }
}

#[test]
fn every_form_is_parsed() {
    for (text, expected) in [
        ("auto", ModelName::Auto),
        ("offline", ModelName::Offline),
        ("claude", named("claude")),
        ("qwen3:8b", named("qwen3:8b")),
        ("local/qwen3:8b", ModelName::Local { model: "qwen3:8b".to_owned() }),
        ("openai/gpt-5.6", qualified("openai", "gpt-5.6")),
        ("openrouter/anthropic/claude:free", qualified("openrouter", "anthropic/claude:free")),
        ("scripted:a:b.jsonl", ModelName::Scripted { file: "a:b.jsonl".to_owned() }),
        ("replay:runs/x", ModelName::Replay { file: "runs/x".to_owned() }),
        ("record:x", recorded("x", None)),
        ("record:x@openai/gpt-5", recorded("x", Some(qualified("openai", "gpt-5")))),
        ("record:x@replay:y", recorded("x", Some(ModelName::Replay { file: "y".to_owned() }))),
    ] {
        assert_eq!(text.parse::<ModelName>(), Ok(expected), "{text}");
    }
}

#[test]
fn recordings_and_scripts_are_files() {
    for (text, expected) in [
        ("record:x", true),
        ("record:x@claude", true),
        ("replay:x", true),
        ("scripted:x", true),
        ("auto", false),
        ("offline", false),
        ("claude", false),
        ("local/x", false),
        ("openai/x", false),
    ] {
        assert_eq!(text.parse::<ModelName>().map(|name| name.names_file()), Ok(expected), "{text}");
    }
}

#[test]
fn every_invalid_name_has_its_problem() {
    let recordable = "only a single model can be recorded, not a choice of the rules or another \
                      recording; name a model, as in";
    for (text, expected) in [
        ("", "it is empty".to_owned()),
        (" ", "it is empty".to_owned()),
        ("replay:", "name a file, as in replay:run.jsonl".to_owned()),
        ("scripted:", "name a file, as in scripted:run.jsonl".to_owned()),
        ("record:@claude", "name a file, as in record:run.jsonl".to_owned()),
        ("record:x@", "name a model after '@'".to_owned()),
        ("openai/", "name a model after '/'".to_owned()),
        ("/gpt", "name a provider before the slash, as in openai/gpt-5.6".to_owned()),
        ("record:x@auto", format!("{recordable} record:x@claude")),
        ("record:x@record:y", format!("{recordable} record:x@claude")),
    ] {
        let error = text.parse::<ModelName>().unwrap_err();
        assert_eq!(error.to_string(), format!("invalid model name {text:?}: {expected}"));
    }
}

/// Generates texts from the parts of names.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("auto".to_owned()),
        Just("offline".to_owned()),
        Just("local".to_owned()),
        Just("record:".to_owned()),
        Just("replay:".to_owned()),
        Just("scripted:".to_owned()),
        "[/:@ .]",
        "\\PC{0,4}",
    ];
    proptest::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn a_name_is_displayed_as_it_is_parsed(text in text()) {
        if let Ok(name) = text.parse::<ModelName>() {
            prop_assert_eq!(name.to_string(), text.clone());
            prop_assert_eq!(name.to_string().parse::<ModelName>(), Ok(name), "{}", text);
        }
    }
}
