//! Connects a configuration to its models.

use std::sync::Arc;

use super::clients::ModelCatalog;
use super::connected::ConnectedModels;
use super::invalid::ConnectError;
use super::options::ConnectOptions;
use crate::config::LlmConfig;
use crate::model_name::ModelName;

impl LlmConfig {
    /// Creates the models of this configuration behind its routing rules, as the `az` command does.
    ///
    /// A request without a model's name is routed by the rules, or goes to the default if there are
    /// none. Nothing is sent, and a missing key is an error of the call that needs it.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] for an invalid entry, default or rule.
    ///
    /// # Examples
    ///
    /// ```
    /// use az_ai::catalog::{ConnectOptions, Environment};
    /// use az_ai::config::{LlmConfig, ProviderConfig, RoutingRule};
    /// use az_ai::resolver::ModelResolver;
    ///
    /// let config = LlmConfig::default()
    ///     .with_providers([ProviderConfig::new("cheap", "groq")])
    ///     .with_routing_rules([RoutingRule::new("text_length < 500", "cheap")]);
    /// let environment = Environment::new(|name| (name == "GROQ_API_KEY").then(|| "key".to_owned()));
    /// let models = config.connect(ConnectOptions::default().with_environment(environment))?;
    /// assert_eq!(models.resolve(None)?.client.provider(), "groq");
    /// # Ok::<_, az_ai::Error>(())
    /// ```
    pub fn connect(&self, options: ConnectOptions) -> Result<ConnectedModels, ConnectError> {
        let catalog = ModelCatalog::new(self, options)?;
        let default = match (self.routing_rules.as_slice(), &self.default_provider) {
            ([], Some(name)) => Ok(name.clone()),
            ([], None) => Err("the configuration has no default_provider".to_owned()),
            _ => Ok(ModelName::Auto.to_string()),
        };
        catalog.set_default(default);
        Ok(ConnectedModels::new(Arc::new(catalog), self.routing_rules.clone())?)
    }
}
