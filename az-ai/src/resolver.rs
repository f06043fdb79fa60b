//! Which client answers for a model's name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use az_core::{ErrorKind, TaskPriority, Usd};

use crate::client::LlmClient;
use crate::error::{Error, Result};

/// Finds the client for a model.
///
/// # Contract
///
/// 1. Without a name it is the default.
/// 2. A name that is unknown is `UnknownModel`, with the names that look like it.
/// 3. It asks nobody, and says the same every time until it is set up anew.
/// 4. Candidates are at least one, best first; a resolver without a choice has one. It is told only
///    what it says that it reads.
pub trait ModelResolver: fmt::Debug + Send + Sync + 'static {
    /// Finds the client and the provider's own name for a model.
    ///
    /// # Errors
    ///
    /// `UnknownModel`, or `Setup` when the model's client cannot be used as it is set up.
    fn resolve(&self, model: Option<&str>) -> Result<ResolvedModel>;

    /// Lists who may be asked, best first: each when the ones before it have failed.
    ///
    /// # Errors
    ///
    /// Those of [`resolve`](Self::resolve).
    fn candidates(&self, wanted: &Wanted<'_>) -> Result<Vec<Candidate>> {
        let model = self.resolve(wanted.model)?;
        Ok(vec![Candidate { model, reason: None }])
    }

    /// Says what [`candidates`](Self::candidates) goes by for this name, so that nobody finds out
    /// what is not looked at.
    fn reads(&self, _model: Option<&str>) -> Reads {
        Reads::default()
    }

    /// Takes note of what became of a call, so that one who fails is passed over for a while.
    fn report(&self, _model: &ResolvedModel, _result: Reported) {}
}

/// What is to be asked, as far as the choice of a model goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The model that was named.
    pub model: Option<&'a str>,
    /// What the task is, in words.
    pub text: &'a str,
    /// How soon it should run.
    pub priority: TaskPriority,
    /// About how many tokens will be sent, messages and tools; 0 to a resolver that does not read it.
    pub tokens: u64,
    /// How many tokens the reply may have.
    pub max_tokens: u32,
    /// What the model has to be able to do.
    pub needs: Needs,
    /// What the tightest hard budget has left; nothing when there is none, and to a resolver that
    /// does not read it.
    pub budget_left: Option<Usd>,
}

/// What a choice of a model goes by, of that which takes time to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reads {
    /// How many tokens will be sent.
    pub tokens: bool,
    /// What a budget has left.
    pub budget_left: bool,
}

/// What a request needs of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// It has tools. A model without is told of them in words, so this is a wish.
    pub tools: bool,
    /// It shows pictures.
    pub images: bool,
    /// It wants the answer in a shape.
    pub format: bool,
}

/// Someone who may be asked.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Who.
    pub model: ResolvedModel,
    /// Why, where there was a choice.
    pub reason: Option<String>,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// A reply came.
    Replied,
    /// It failed.
    Failed {
        /// In which way.
        kind: ErrorKind,
        /// How long the provider asks to wait.
        retry_after: Option<Duration>,
    },
}

/// A model and who answers for it.
#[derive(Debug, Clone)]
pub struct ResolvedModel {
    /// The client to ask.
    pub client: Arc<dyn LlmClient>,
    /// The model, by the provider's name.
    pub model: String,
}

/// A table of models.
///
/// A name is looked up as it is; a name such as `openai/some-model` that is not in the table goes
/// to the provider before the slash, if there is one of that name.
#[derive(Debug, Clone)]
pub struct Models {
    default: String,
    models: BTreeMap<String, ResolvedModel>,
    providers: BTreeMap<String, Arc<dyn LlmClient>>,
}

impl Models {
    /// Returns a table with one model, which is the default.
    pub fn new(name: &str, client: Arc<dyn LlmClient>, model: impl Into<String>) -> Self {
        let table =
            Self { default: name.to_owned(), models: BTreeMap::new(), providers: BTreeMap::new() };
        table.with(name, client, model)
    }

    /// Returns the table with one more model.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<String>,
        client: Arc<dyn LlmClient>,
        model: impl Into<String>,
    ) -> Self {
        let model = model.into();
        self.models.insert(name.into(), ResolvedModel { client, model });
        self
    }

    /// Returns the table with a provider, whose models are called `prefix/model`.
    #[must_use]
    pub fn with_provider(mut self, prefix: impl Into<String>, client: Arc<dyn LlmClient>) -> Self {
        self.providers.insert(prefix.into(), client);
        self
    }

    /// Lists the names in the table.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }
}

impl ModelResolver for Models {
    fn resolve(&self, model: Option<&str>) -> Result<ResolvedModel> {
        let name = model.unwrap_or(&self.default);
        if let Some(found) = self.models.get(name) {
            return Ok(found.clone());
        }
        let provider = name.split_once('/').and_then(|(prefix, model)| {
            let client = self.providers.get(prefix)?;
            (!model.is_empty()).then(|| (Arc::clone(client), model.to_owned()))
        });
        match provider {
            Some((client, model)) => Ok(ResolvedModel { client, model }),
            None => {
                Err(Error::UnknownModel { name: name.to_owned(), near: near(name, self.names()) })
            }
        }
    }
}

/// Returns up to three of `names` that look like `name`, each once, the nearest first; none for an
/// empty name.
///
/// Two characters that changed places are one mistake, as in `gtp4` (Damerau-Levenshtein distance).
pub fn near<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = name.trim().to_lowercase();
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut ranked: Vec<_> = names
        .filter_map(|known| {
            let lower = known.to_lowercase();
            let part = lower.contains(&wanted) || wanted.contains(&lower);
            let distance = strsim::damerau_levenshtein(&wanted, &lower);
            let close = part || distance * 3 <= wanted.chars().count().max(3);
            close.then_some((distance, known))
        })
        .collect();
    ranked.sort_unstable();
    ranked.dedup();
    ranked.into_iter().take(3).map(|(_, known)| known.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Error, LlmClient, ModelResolver, Models, near};
    use crate::offline::OfflineClient;

    fn models() -> Models {
        let client: Arc<dyn LlmClient> = Arc::new(OfflineClient::new());
        ["gemini", "gpt-fast", "gpt-large", "deepseek"]
            .into_iter()
            .fold(Models::new("offline", Arc::clone(&client), "offline"), |table, name| {
                table.with(name, Arc::clone(&client), format!("{name}-1"))
            })
            .with_provider("openai", client)
    }

    #[test]
    fn a_name_is_found_in_the_table_or_behind_its_provider() {
        let found = |name| models().resolve(name).unwrap().model;
        assert_eq!(found(None), "offline");
        assert_eq!(found(Some("gpt-fast")), "gpt-fast-1");
        assert_eq!(found(Some("openai/meta/llama")), "meta/llama");
    }

    #[test]
    fn an_unknown_name_is_answered_with_its_neighbours() {
        let unknown = |name| models().resolve(Some(name)).unwrap_err();
        assert_eq!(
            unknown("gtp-fast").to_string(),
            "no model is called \"gtp-fast\"; did you mean \"gpt-fast\"?"
        );
        assert_eq!(
            unknown("gpt").to_string(),
            "no model is called \"gpt\"; did you mean \"gpt-fast\" or \"gpt-large\"?"
        );
        assert!(matches!(
            unknown("zzzzzz"),
            Error::UnknownModel { near, .. } if near.is_empty()
        ));
        assert_eq!(near("zzz", ["one", "two"].into_iter()), [""; 0]);
    }

    #[test]
    fn two_characters_that_changed_places_are_one_mistake_and_nothing_is_near_to_nothing() {
        let known = || ["claude", "gpt4", "gemini"].into_iter();
        assert_eq!(near("gtp4", known().chain(known())), ["gpt4"]);
        assert_eq!(near("", known()), [""; 0]);
        assert_eq!(near(" ", known()), [""; 0]);
    }
}
