//! Options for connecting a configuration to its models.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use az_core::Clock;
use az_core::clock::SystemClock;

use super::environment::Environment;
use crate::error::Result;
use crate::pricing::PriceBook;
use crate::provider::http::HttpOptions;
use crate::resolver::ResolvedModel;

/// Creates a model on first use.
pub type ModelFactory = Arc<dyn Fn() -> Result<ResolvedModel> + Send + Sync>;

/// Options for connecting a configuration to its models: environment, prices, clock, HTTP client.
///
/// By default there is no environment, so that only providers without a key, and keys in the
/// configuration itself, can be used; prices are the bundled ones.
#[derive(Clone)]
pub struct ConnectOptions {
    pub(super) environment: Environment,
    pub(super) prices: PriceBook,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) http: HttpOptions,
    pub(super) base_urls: Vec<(String, String)>,
    pub(super) models: BTreeMap<String, ModelFactory>,
    pub(super) host_name: Option<String>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            environment: Environment::default(),
            prices: PriceBook::bundled(),
            clock: Arc::new(SystemClock),
            http: HttpOptions::default(),
            base_urls: Vec::new(),
            models: BTreeMap::new(),
            host_name: None,
        }
    }
}

impl fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let models: Vec<_> = self.models.keys().collect();
        f.debug_struct("ConnectOptions").field("models", &models).finish_non_exhaustive()
    }
}

impl ConnectOptions {
    /// Returns the options with an environment, in which keys and addresses are looked up.
    #[must_use]
    pub fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Returns the options with other prices.
    #[must_use]
    pub fn with_prices(mut self, prices: PriceBook) -> Self {
        self.prices = prices;
        self
    }

    /// Returns the options with another clock, which prices depend on.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Returns the options with other settings of the HTTP client.
    #[must_use]
    pub fn with_http(mut self, http: HttpOptions) -> Self {
        self.http = http;
        self
    }

    /// Returns the options with an address for a provider, which applies to its entries that the
    /// configuration does not list.
    #[must_use]
    pub fn with_base_url(mut self, provider: impl Into<String>, url: impl Into<String>) -> Self {
        self.base_urls.push((provider.into(), url.into()));
        self
    }

    /// Returns the options with the name of this machine. A server without a key at this name is one on
    /// this machine, as at `localhost`.
    #[must_use]
    pub fn with_host_name(mut self, name: impl Into<String>) -> Self {
        self.host_name = Some(name.into());
        self
    }

    /// Returns the options with one more model, which is created on first use. Its name cannot name
    /// an entry.
    #[must_use]
    pub fn with_model(mut self, name: impl Into<String>, model: ModelFactory) -> Self {
        self.models.insert(name.into(), model);
        self
    }
}
