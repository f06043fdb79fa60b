//! Asks a person what a server wants to know: a question for each field of the answer.

use std::sync::{Arc, OnceLock};

use az_core::Task;
use az_core::approval::{Approver, Reply};
use az_core::schema::{Place, types_of, violations};
use az_core::tool::{EffectClass, Invocation, PreparedCall, Question};
use az_mcp::client::{Answerer, ServerAnswer, ServerQuestion, without_hidden};
use serde_json::{Map, Value};

/// The most fields of an answer; a server that wants more gets none.
const MOST_FIELDS: usize = 16;

/// The person who can be asked, once a run has begun.
#[derive(Debug, Clone, Default)]
pub(crate) struct Person(Arc<OnceLock<(Arc<dyn Approver>, Task)>>);

impl Person {
    /// Sets who is asked, for a task. Later calls have no effect.
    pub(crate) fn set(&self, approver: Arc<dyn Approver>, task: Task) {
        self.0.set((approver, task)).ok();
    }

    /// Returns what answers the questions of servers.
    pub(super) fn answerer(&self) -> Answerer {
        let person = self.clone();
        Answerer::new(move |question| {
            let person = person.clone();
            async move {
                match person.ask(&question).await {
                    Some(fields) => ServerAnswer::Given(fields),
                    None => ServerAnswer::Declined,
                }
            }
        })
    }

    /// Returns the fields of the answer; `None` if no one is there, or does not answer.
    async fn ask(&self, question: &ServerQuestion) -> Option<Map<String, Value>> {
        let (approver, task) = self.0.get()?;
        let call = Invocation::bare("mcp", Value::Null).ok()?;
        let call = PreparedCall::new(call, EffectClass::Read);
        let fields = question.schema.get("properties").and_then(Value::as_object)?;
        let required = question.schema.get("required").and_then(Value::as_array);
        if fields.len() > MOST_FIELDS {
            return None;
        }
        // Where no field has to be filled in, an answer would be consent that no one gave.
        if required.is_none_or(Vec::is_empty) {
            match approver.answer(task, &call, &consent_question(question)).await.ok()? {
                Reply::Text { text, .. } if text == "yes" => {}
                Reply::Text { .. } | Reply::Declined { .. } | Reply::Unattended => return None,
            }
        }
        let mut answer = Map::new();
        for (name, field) in fields {
            let is_required = required.is_some_and(|names| names.iter().any(|it| it == name));
            let asked = field_question(question, (name, field), is_required);
            match approver.answer(task, &call, &asked).await.ok()? {
                Reply::Text { text, .. } => {
                    answer.insert(name.clone(), value_of(field, text)?);
                }
                Reply::Declined { .. } if !is_required => {}
                Reply::Declined { .. } | Reply::Unattended => return None,
            }
        }
        let whole = Value::Object(answer);
        let fits = violations(&question.schema, &whole, &Place::root("answer")).is_empty();
        match whole {
            Value::Object(answer) if fits => Some(answer),
            _ => None,
        }
    }
}

/// Returns the question whether the server gets an answer at all.
fn consent_question(question: &ServerQuestion) -> Question {
    let asked = format!("The MCP server {} asks: {}", question.server, question.message);
    Question::new(without_hidden(&asked)).with_options(["yes", "no"])
}

/// Returns the question about a field.
fn field_question(
    question: &ServerQuestion,
    (name, field): (&str, &Value),
    is_required: bool,
) -> Question {
    let text = |key| field.get(key).and_then(Value::as_str).unwrap_or_default();
    let about = [text("title"), text("description")].join(" ");
    let optional = if is_required { "" } else { " (may be left empty)" };
    let asked = format!(
        "The MCP server {} asks: {}\n{name}{optional}: {}",
        question.server,
        question.message,
        about.trim()
    );
    let choices = field.get("enum").and_then(Value::as_array).into_iter().flatten();
    let choices: Vec<_> = choices.filter_map(Value::as_str).map(str::to_owned).collect();
    let asked = Question::new(without_hidden(asked.trim_end_matches([' ', ':'])));
    match types_of(field).contains(&"boolean") {
        true => asked.with_options(["yes", "no"]),
        false => asked.with_options(choices),
    }
}

/// Returns an answer as a value of the type of its field; `None` if it is none.
fn value_of(field: &Value, text: String) -> Option<Value> {
    let types = types_of(field);
    match types.first() {
        Some(&"boolean") => Some((text == "yes").into()),
        Some(&("number" | "integer")) => serde_json::from_str(&text).ok().filter(Value::is_number),
        _ => Some(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::value_of;

    #[test]
    fn answers_have_the_type_of_their_field() {
        let value = |kind: &str, text: &str| value_of(&json!({"type": kind}), text.to_owned());
        assert_eq!(value("string", "5"), Some(json!("5")));
        assert_eq!(value("integer", "5"), Some(json!(5)));
        assert_eq!(value("number", "x"), None);
        assert_eq!(value("boolean", "yes"), Some(json!(true)));
    }
}
