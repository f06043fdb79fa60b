//! The differences between Gemini models, by their names.

use serde_json::{Value, json};

use crate::chat::Effort;

/// The form of the thinking parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thinking {
    /// Not supported; the parameter is refused.
    Never,
    /// A budget in tokens.
    Budget,
    /// A level.
    Level,
}

/// Whether a model requires the signature of every turn's first call, and accepts an output format
/// together with tools: the third generation and later.
pub(super) fn is_third_generation(model: &str) -> bool {
    generation(model).is_some_and(|generation| generation >= 3)
}

/// Returns the `thinkingConfig` of a request; `None` for a model that does not think. Thoughts are
/// included in the reply unless thinking is disabled.
///
/// The budgets are those of Google's own table for effort in words; see
/// <https://ai.google.dev/gemini-api/docs/thinking> and
/// <https://ai.google.dev/gemini-api/docs/openai>.
pub(super) fn thinking(model: &str, effort: Option<Effort>) -> Option<Value> {
    let is_pro = name(model).contains("pro");
    let measure = match (sort(model), effort?) {
        (Thinking::Never, _) => return None,
        (Thinking::Budget, Effort::None) if is_pro => json!({"thinkingBudget": 128}),
        (Thinking::Budget, Effort::None) => return Some(json!({"thinkingBudget": 0})),
        (Thinking::Budget, Effort::Low) => json!({"thinkingBudget": 1024}),
        (Thinking::Budget, Effort::Medium) => json!({"thinkingBudget": 8192}),
        (Thinking::Budget, Effort::High) => json!({"thinkingBudget": 24_576}),
        (Thinking::Level, Effort::None) if !is_pro => json!({"thinkingLevel": "minimal"}),
        (Thinking::Level, Effort::None | Effort::Low) => json!({"thinkingLevel": "low"}),
        // The first models of this generation have only two levels.
        (Thinking::Level, Effort::Medium) if name(model).starts_with("gemini-3-pro") => {
            json!({"thinkingLevel": "high"})
        }
        (Thinking::Level, Effort::Medium) => json!({"thinkingLevel": "medium"}),
        (Thinking::Level, Effort::High) => json!({"thinkingLevel": "high"}),
    };
    Some(measure)
}

/// Whether a model can return its thoughts.
pub(super) fn thinks(model: &str) -> bool {
    sort(model) != Thinking::Never
}

fn sort(model: &str) -> Thinking {
    // Variants for images, speech and live audio do not think.
    if ["image", "tts", "audio", "live"].iter().any(|word| name(model).contains(word)) {
        return Thinking::Never;
    }
    match (generation(model), name(model)) {
        (Some(3..), _) => Thinking::Level,
        (Some(_), name) if name.starts_with("gemini-2.5") => Thinking::Budget,
        // Aliases of the latest models, all of which accept budgets.
        (None, name) if name.starts_with("gemini-") && name.ends_with("-latest") => {
            Thinking::Budget
        }
        _ => Thinking::Never,
    }
}

fn generation(model: &str) -> Option<u32> {
    let version = name(model).strip_prefix("gemini-")?;
    let end = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version.get(..end)?.parse().ok()
}

fn name(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{is_third_generation, thinking, thinks};
    use crate::chat::Effort;

    #[test]
    fn each_generation_has_its_thinking_parameter() {
        let all = |model: &str| {
            let efforts = [Effort::None, Effort::Low, Effort::Medium, Effort::High];
            efforts.map(|effort| {
                thinking(model, Some(effort)).map(|config| {
                    let mut values = config.as_object().unwrap().values().cloned();
                    values.next().unwrap()
                })
            })
        };
        let some = |values: [Value; 4]| values.map(Some);
        assert_eq!(
            all("gemini-2.5-flash"),
            some([json!(0), json!(1024), json!(8192), json!(24_576)])
        );
        assert_eq!(all("models/gemini-2.5-pro")[0], Some(json!(128)));
        let words = some([json!("minimal"), json!("low"), json!("medium"), json!("high")]);
        assert_eq!(all("gemini-3-flash-preview"), words);
        assert_eq!(all("gemini-3.8-flash"), words);
        assert_eq!(
            all("gemini-3-pro-preview"),
            some([json!("low"), json!("low"), json!("high"), json!("high")])
        );
        for never in ["gemini-2.0-flash", "gemma-3-27b", "gemini-2.5-flash-image", "m", ""] {
            assert_eq!((all(never), thinks(never)), ([const { None }; 4], false), "{never}");
        }
        assert!(thinks("gemini-flash-latest") && thinking("gemini-2.5-pro", None).is_none());
    }

    #[test]
    fn generations_are_read_from_names() {
        let third = ["gemini-3-pro-preview", "gemini-3.5-flash", "gemini-10-x"];
        assert!(third.into_iter().all(is_third_generation));
        let others =
            ["gemini-2.5-pro", "gemini-flash-latest", "gemini-", "m", "gemini-99999999999"];
        assert!(!others.into_iter().any(is_third_generation));
    }
}
