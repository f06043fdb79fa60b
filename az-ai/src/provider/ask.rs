//! Asks a server what it knows about a model.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use az_core::ErrorKind;
use serde_json::{Value, json};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::timeout;

use super::client::Inner;
use super::http::Answer;
use super::listing::ListedModel;
use super::wire::Descriptions;
use crate::client::{Fact, Prepared};
use crate::error::{Error, Result};
use crate::resolver::near;

/// The longest wait for all answers. A server that takes longer is called without them.
const PATIENCE: Duration = Duration::from_secs(3);

/// The most models that are named if none is similar.
const NAMED: usize = 5;

impl Inner {
    /// Returns the provider's models, in its order.
    pub(super) async fn models(&self) -> Result<Vec<ListedModel>> {
        let url = self.endpoint.url(self.wire.models_path());
        let answer = self.http.get(&url, &self.credentials()).await?;
        let body = self.accept(answer, 0).await?.body().await?;
        self.wire.models(&body).map_err(|error| Error::Malformed {
            provider: self.endpoint.provider.clone(),
            reason: format!("its list of models: {error}"),
        })
    }

    /// Adds the names of similar models to the error of an unknown model.
    pub(super) async fn with_near_names(&self, model: &str, error: Error) -> Error {
        let Error::Refused(mut refusal) = error else { return error };
        if refusal.kind == ErrorKind::NotFound {
            let hint = match timeout(PATIENCE, self.models()).await {
                Ok(Ok(models)) => near_names(model, &models),
                Ok(Err(_)) | Err(_) => "check the name of the model and the address".to_owned(),
            };
            if !hint.is_empty() {
                refusal.message.push_str("; ");
                refusal.message.push_str(&hint);
            }
        }
        Error::Refused(refusal)
    }

    /// Asks the server about a model, unless it has answered before, or not within the time for it.
    pub(super) async fn prepare(&self, model: &str) -> Prepared {
        if !self.endpoint.describes_models {
            return Prepared::READY;
        }
        let asked = self.asked.of(model);
        // Concurrent calls of a model wait for the answers, instead of asking as well.
        let mut is_asked = asked.lock().await;
        if *is_asked {
            return Prepared::READY;
        }
        let facts = match timeout(PATIENCE, self.describe(model)).await {
            Ok(Ok(facts)) => facts,
            Ok(Err(NoAnswer::Loading(message))) => return Prepared::Loading(message),
            Ok(Err(NoAnswer::Unreachable)) => return Prepared::READY,
            Err(_) => Vec::new(),
        };
        *is_asked = true;
        for fact in &facts {
            self.endpoint.learned.learn(&self.endpoint.base_url, model, *fact);
        }
        Prepared::Ready(facts)
    }

    async fn describe(&self, model: &str) -> Result<Vec<Fact>, NoAnswer> {
        let listed = match self.wire.descriptions() {
            Descriptions::None => return Ok(Vec::new()),
            Descriptions::Ollama => {
                return Ok(of_show(&self.show(model).await?, ContextSize::OfRequest));
            }
            Descriptions::Listing => match self.models().await {
                Ok(models) => models.into_iter().find(|listed| listed.name == model),
                Err(error) => return NoAnswer::check(&error).map_or(Ok(Vec::new()), Err),
            },
        };
        let mut facts = match listed.as_ref().and_then(|listed| listed.owner.as_deref()) {
            Some("library") => of_show(&self.show(model).await?, ContextSize::OfServer),
            None | Some("llamacpp") => {
                // While the model is being loaded, only this page says so.
                self.page("/health").await?;
                of_props(&self.page("/props").await?)
            }
            Some(_) => Vec::new(),
        };
        // The window that a model is loaded with is more exact than the one that is listed.
        let has_window = facts.iter().any(|fact| matches!(fact, Fact::ContextWindow(_)));
        let listed = listed.map(|listed| listed.facts).unwrap_or_default().into_iter();
        facts.extend(listed.filter(|fact| !(has_window && matches!(fact, Fact::ContextWindow(_)))));
        Ok(facts)
    }

    /// Returns the JSON of a page of the server.
    async fn page(&self, path: &str) -> Result<Value, NoAnswer> {
        let answer = self.http.get(&self.at_root(path), &self.credentials()).await;
        self.json(answer).await
    }

    /// Returns Ollama's description of a model.
    async fn show(&self, model: &str) -> Result<Value, NoAnswer> {
        let (url, body) = (self.at_root("/api/show"), json!({ "model": model }));
        let answer = self.http.post(&url, &self.credentials(), &body).await;
        self.json(answer).await
    }

    /// Returns the JSON of an answer; null if it is of no use.
    async fn json(&self, answer: Result<Answer>) -> Result<Value, NoAnswer> {
        let accepted = match answer {
            Ok(answer) => self.accept(answer, 0).await,
            Err(error) => Err(error),
        };
        let body = match accepted {
            Ok(answer) => answer.body().await,
            Err(error) => return NoAnswer::check(&error).map_or(Ok(Value::Null), Err),
        };
        Ok(body.ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default())
    }

    /// Returns the address of a path that is not below the version of the API.
    fn at_root(&self, path: &str) -> String {
        let base = self.endpoint.base_url.split('?').next().unwrap_or_default();
        format!("{}{path}", base.strip_suffix("/v1").unwrap_or(base))
    }
}

/// The reason to ask a server again later.
#[derive(Debug)]
enum NoAnswer {
    /// It is loading the model. Contains its message.
    Loading(String),
    /// It cannot be reached.
    Unreachable,
}

impl NoAnswer {
    fn check(error: &Error) -> Option<Self> {
        match error {
            Error::Unreachable { .. } => Some(Self::Unreachable),
            error => error.is_loading().map(|refusal| Self::Loading(refusal.message.clone())),
        }
    }
}

/// The models that a server was asked about.
#[derive(Debug, Default)]
pub(super) struct AskedModels(Mutex<HashMap<String, Arc<AsyncMutex<bool>>>>);

impl AskedModels {
    /// Returns whether the server has answered about a model; locked while it is being asked.
    fn of(&self, model: &str) -> Arc<AsyncMutex<bool>> {
        let mut models = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(models.entry(model.to_owned()).or_default())
    }
}

/// Returns the names of models that are similar to one that is not listed, else those of some models.
fn near_names(model: &str, models: &[ListedModel]) -> String {
    let names = || models.iter().map(|listed| listed.name.as_str());
    if models.is_empty() || names().any(|name| name == model) {
        return String::new();
    }
    match near(model, names()).as_slice() {
        [] => {
            let some: Vec<_> = names().take(NAMED).collect();
            let rest = if models.len() > NAMED { ", …" } else { "" };
            format!("its models are {}{rest}", some.join(", "))
        }
        near => format!("similar models are {}", near.join(", ")),
    }
}

/// Reads `/props` of llama.cpp.
fn of_props(props: &Value) -> Vec<Fact> {
    let window = props.pointer("/default_generation_settings/n_ctx").and_then(Value::as_u64);
    let window = window.filter(|tokens| *tokens > 0).map(Fact::ContextWindow);
    let stated = props.pointer("/chat_template_caps/supports_tools").and_then(Value::as_bool);
    let template = props.get("chat_template").and_then(Value::as_str);
    let in_template = || template.map(|template| template.contains("tool"));
    let has_tools = props.get("chat_template_tool_use").is_some().then_some(true);
    let tools = has_tools.or(stated).or_else(in_template);
    let vision = props.pointer("/modalities/vision").and_then(Value::as_bool);
    facts(window, tools, vision)
}

/// Who chooses the size of the context that Ollama loads a model with, where the model's parameters do
/// not set it.
#[derive(Debug, Clone, Copy)]
enum ContextSize {
    /// The request, up to the size that the model was trained with.
    OfRequest,
    /// The server. It does not describe it.
    OfServer,
}

/// Reads `/api/show` of Ollama.
fn of_show(shown: &Value, size: ContextSize) -> Vec<Fact> {
    let parameters = shown.get("parameters").and_then(Value::as_str).unwrap_or_default();
    let set = parameters.lines().find_map(|line| {
        let (name, value) = line.trim().split_once(char::is_whitespace)?;
        if name == "num_ctx" { value.trim().parse().ok() } else { None }
    });
    let info = shown.get("model_info").and_then(Value::as_object);
    let trained = info.into_iter().flatten().find_map(|(name, value)| {
        name.ends_with(".context_length").then(|| value.as_u64()).flatten()
    });
    let can = shown.get("capabilities").and_then(Value::as_array);
    let has = |name: &str| can.map(|can| can.iter().any(|one| one == name));
    let window = match size {
        ContextSize::OfRequest => set.or(trained),
        ContextSize::OfServer => set,
    };
    facts(window.map(Fact::ContextWindow), has("tools"), has("vision"))
}

fn facts(window: Option<Fact>, tools: Option<bool>, vision: Option<bool>) -> Vec<Fact> {
    let without = |can: Option<bool>, fact| (can == Some(false)).then_some(fact);
    let limits = [window, without(tools, Fact::NoTools), without(vision, Fact::NoVision)];
    limits.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ContextSize, near_names, of_props, of_show};
    use crate::client::Fact::{ContextWindow, NoTools, NoVision};
    use crate::provider::listing::ListedModel;

    #[test]
    fn near_names_are_those_of_the_listed_models() {
        let models = ["gpt-5.6", "gpt-5.6-mini", "claude", "a", "b", "c"].map(ListedModel::new);
        let named = |name: &str| near_names(name, &models);
        assert_eq!(named("gpt-5.7"), "similar models are gpt-5.6");
        assert_eq!(named("zzzzzz"), "its models are gpt-5.6, gpt-5.6-mini, claude, a, b, …");
        assert_eq!(named("claude"), "", "it is listed, so the name is not what is wrong");
    }

    #[test]
    fn properties_of_llama_cpp_are_read() {
        let window = json!({"n_ctx": 4096});
        let props = |template: &str| json!({"default_generation_settings": window, "chat_template": template});
        assert_eq!(of_props(&props("{{messages}}")), [ContextWindow(4_096), NoTools]);
        assert_eq!(of_props(&props("{% if tools %}")), [ContextWindow(4_096)]);
        let mut caps = props("{% if tools %}");
        caps["chat_template_caps"] = json!({"supports_tools": false});
        caps["modalities"] = json!({"vision": false});
        assert_eq!(of_props(&caps), [ContextWindow(4_096), NoTools, NoVision]);
        caps["chat_template_tool_use"] = json!("{{tools}}");
        assert_eq!(of_props(&caps), [ContextWindow(4_096), NoVision]);
        assert_eq!(of_props(&json!(null)), []);
    }

    #[test]
    fn descriptions_of_ollama_are_read() {
        let info = json!({"qwen.context_length": 32768});
        let shown = json!({"model_info": info, "capabilities": ["completion", "vision"]});
        assert_eq!(of_show(&shown, ContextSize::OfRequest), [ContextWindow(32_768), NoTools]);
        assert_eq!(
            of_show(&shown, ContextSize::OfServer),
            [NoTools],
            "a server may load it with less"
        );
        let set = json!({"model_info": info, "parameters": "stop \"x\"\nnum_ctx    8192"});
        for window in [ContextSize::OfRequest, ContextSize::OfServer] {
            assert_eq!(of_show(&set, window), [ContextWindow(8_192)]);
            assert_eq!(of_show(&json!({}), window), []);
        }
    }
}
