//! Resolves the names of models to clients.

mod query;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use az_core::ErrorKind;

use crate::client::LlmClient;
use crate::error::{Error, Result};

pub use query::{QueryInputs, Requirements, RoutingQuery};

/// Resolves the name of a model to the client that serves it.
///
/// # Contract
///
/// 1. Without a name, the default model is resolved.
/// 2. An unknown name is `UnknownModel`, with the names that are similar.
/// 3. Resolving does no I/O and is deterministic until the resolver is configured differently.
/// 4. There is at least one candidate, best first; a resolver without a choice has exactly one.
///    Callers may leave out of a query what the resolver does not use.
pub trait ModelResolver: fmt::Debug + Send + Sync + 'static {
    /// Returns the client for a model, and the provider's own name for it.
    ///
    /// # Errors
    ///
    /// `UnknownModel`, or `Setup` when the model's client cannot be used with its settings.
    fn resolve(&self, model: Option<&str>) -> Result<ResolvedModel>;

    /// Returns the candidates for a request, best first: each is the fallback of those before it.
    ///
    /// # Errors
    ///
    /// Those of [`resolve`](Self::resolve).
    fn candidates(&self, query: &RoutingQuery<'_>) -> Result<Vec<Candidate>> {
        let model = self.resolve(query.model)?;
        Ok(vec![Candidate::new(model)])
    }

    /// Returns which parts of a query [`candidates`](Self::candidates) uses for this name, so that
    /// callers compute no others.
    fn query_inputs(&self, _model: Option<&str>) -> QueryInputs {
        QueryInputs::default()
    }

    /// Records the outcome of a call, so that a model that fails can be avoided for a while.
    fn report(&self, _model: &ResolvedModel, _result: CallReport) {}
}

/// A model that may be called.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Candidate {
    /// The model.
    pub model: ResolvedModel,
    /// Why it was chosen, where there was a choice.
    pub reason: Option<String>,
    /// Its name for [`RoutingQuery::with_kept`], where there was a choice.
    pub name: Option<Arc<str>>,
}

impl Candidate {
    /// Creates a candidate without a reason.
    pub const fn new(model: ResolvedModel) -> Self {
        Self { model, reason: None, name: None }
    }

    /// Sets the name of the model.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets why the model was chosen.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

/// The outcome of a call to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallReport {
    /// The model replied.
    Replied,
    /// The call failed.
    Failed {
        /// The kind of failure.
        kind: ErrorKind,
        /// The wait that the provider asks for.
        retry_after: Option<Duration>,
    },
}

/// A model and the client that serves it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ResolvedModel {
    /// The client.
    pub client: Arc<dyn LlmClient>,
    /// The provider's own name for the model.
    pub model: String,
}

impl ResolvedModel {
    /// Creates a model that `client` serves under the provider's own name for it.
    pub fn new(client: Arc<dyn LlmClient>, model: impl Into<String>) -> Self {
        Self { client, model: model.into() }
    }
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
/// A swap of two characters counts as one mistake, as in `gtp4` (Damerau-Levenshtein distance).
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
    fn an_unknown_name_has_similar_names_as_suggestions() {
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
    fn a_swap_counts_as_one_mistake_and_an_empty_name_has_no_suggestions() {
        let known = || ["claude", "gpt4", "gemini"].into_iter();
        assert_eq!(near("gtp4", known().chain(known())), ["gpt4"]);
        assert_eq!(near("", known()), [""; 0]);
        assert_eq!(near(" ", known()), [""; 0]);
    }
}
