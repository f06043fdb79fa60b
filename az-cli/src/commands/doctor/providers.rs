//! Asks each provider that can be used for its list of models.

use std::time::Duration;

use az_ai::catalog::{Access, Entry, ModelCatalog, displayed_url};
use az_ai::error::Error;
use az_core::ErrorKind;
use az_core::text::plural;
use tokio::time::timeout;

use crate::models::ModelChooser;
use crate::views::CheckView;

/// How long a provider may take to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// An entry with its key, and what its provider answered.
#[derive(Debug)]
pub(super) struct Asked {
    name: String,
    provider: &'static str,
    /// Where the key is, or why there is none; `None` if no key is needed.
    key: Option<Result<String, String>>,
    url: String,
    answer: Option<Answer>,
}

/// What a provider answered.
#[derive(Debug)]
enum Answer {
    /// The number of models that it lists.
    Models(usize),
    Failed(Error),
    TimedOut,
}

/// Asks the providers of all entries that are configured, or have a key or an address, concurrently. Of
/// entries with the same provider, address and key, only the first is asked.
pub(super) async fn ask(models: &ModelChooser) -> Vec<Asked> {
    let catalog = models.catalog();
    let mut entries: Vec<(Asked, &Entry)> = Vec::new();
    for entry in catalog.entries().iter() {
        let asked = Asked::new(entry, catalog);
        let is_same = |(other, _): &(Asked, &Entry)| other.is_same(&asked);
        if is_used(entry, catalog) && !entries.iter().any(is_same) {
            entries.push((asked, entry));
        }
    }
    let answers = entries.into_iter().map(|(asked, entry)| async move {
        let can_be_asked = !matches!(asked.key, Some(Err(_)));
        let answer = if can_be_asked { Some(answer(entry, catalog).await) } else { None };
        Asked { answer, ..asked }
    });
    futures_util::future::join_all(answers).await
}

fn is_used(entry: &Entry, catalog: &ModelCatalog) -> bool {
    let has_key = matches!(catalog.access(entry), Access::Key(..));
    entry.configured || has_key || catalog.base_url(entry).is_some()
}

async fn answer(entry: &Entry, catalog: &ModelCatalog) -> Answer {
    let client = match catalog.wire_client(entry) {
        Ok(client) => client,
        Err(error) => return Answer::Failed(error),
    };
    match timeout(ANSWER, client.models()).await {
        Ok(Ok(models)) => Answer::Models(models.len()),
        Ok(Err(error)) => Answer::Failed(error),
        Err(_) => Answer::TimedOut,
    }
}

impl Asked {
    fn new(entry: &Entry, catalog: &ModelCatalog) -> Self {
        let key = match catalog.access(entry) {
            Access::Key(_, from) => Some(Ok(from)),
            Access::Open => None,
            Access::Missing(how) => Some(Err(how)),
        };
        let usual = || entry.provider.base_url.map(displayed_url).unwrap_or_default();
        Self {
            name: entry.config.name.clone(),
            provider: entry.provider.name,
            key,
            url: catalog.base_url(entry).unwrap_or_else(usual),
            answer: None,
        }
    }

    /// Whether the provider, the address and the key are the same.
    fn is_same(&self, other: &Self) -> bool {
        let of = |asked: &Self| (asked.provider, asked.key.clone(), asked.url.clone());
        of(self) == of(other)
    }

    /// Whether the server is loading its model.
    pub(super) fn is_loading(&self) -> bool {
        matches!(&self.answer, Some(Answer::Failed(error)) if error.is_loading().is_some())
    }

    /// Returns whether there is a key. The key itself is not shown.
    pub(super) fn key(&self) -> CheckView {
        const KEY: &str = "key";
        let finding = match &self.key {
            None => CheckView::ok(KEY, "none is needed"),
            Some(Ok(from)) => CheckView::ok(KEY, format!("found in {from}")),
            Some(Err(how)) => {
                let set = format!("or `az config set llm.providers.{}.api_key`", self.name);
                CheckView::warning(KEY, "missing").with_remedy(format!("{how}, {set}"))
            }
        };
        finding.about(&self.name)
    }

    /// Returns whether the provider can be reached; `None` if it was not asked.
    pub(super) fn into_reachability(self) -> Option<CheckView> {
        const PROVIDER: &str = "provider";
        let Self { name, url, answer, .. } = self;
        let finding = match answer? {
            Answer::Models(count) => {
                CheckView::ok(PROVIDER, format!("{url} lists {}", plural(count, "model")))
            }
            Answer::TimedOut => {
                let found = format!("{url} does not answer within {} s", ANSWER.as_secs());
                CheckView::error(PROVIDER, found).with_remedy(NETWORK)
            }
            Answer::Failed(error) if error.is_loading().is_some() => {
                let remedy =
                    "wait until it is loaded; a task waits for up to llm.timeouts.loading_seconds";
                let found = format!("{url} is loading its model");
                CheckView::warning(PROVIDER, found).with_remedy(remedy)
            }
            Answer::Failed(error) => failed(PROVIDER, &name, &url, &error),
        };
        Some(finding.about(name))
    }
}

const NETWORK: &str = "check that the server runs, the address (base_url of the entry), the network, and \
                       the proxy (network.proxy)";

fn failed(check: &'static str, name: &str, url: &str, error: &Error) -> CheckView {
    let found = format!("{url}: {}", error.chain());
    match error.kind() {
        ErrorKind::Unauthorized => CheckView::error(check, found).with_remedy(format!(
            "the key is invalid or expired; `az config set llm.providers.{name}.api_key` stores another"
        )),
        // Many servers that can chat list no models.
        ErrorKind::NotFound | ErrorKind::BadRequest | ErrorKind::Protocol => {
            let found = format!("it answers, but does not list its models: {found}");
            CheckView::warning(check, found)
                .with_remedy(format!("check the address (base_url of {name})"))
        }
        ErrorKind::RateLimited => CheckView::warning(check, found).with_remedy("try again later"),
        _ => CheckView::error(check, found).with_remedy(NETWORK),
    }
}
