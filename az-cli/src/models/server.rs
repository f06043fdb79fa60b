//! The models of a server that is known by its address only.

use az_ai::provider::http::HttpClient;
use az_ai::provider::listing::ListedModel;
use az_ai::provider::openai::OpenAi;
use az_ai::provider::{Endpoint, WireClient};

use super::choose::ModelChooser;
use super::unknown::to_cli;
use crate::error::CliError;

impl ModelChooser {
    /// Returns the models that a server offers which is compatible with OpenAI's API, over the configured
    /// network. One that is loading its model is waited for.
    ///
    /// # Errors
    ///
    /// An address that cannot be used, or the server's error.
    pub async fn models_at(&self, url: &str) -> Result<Vec<ListedModel>, CliError> {
        let http = HttpClient::new(&self.http).map_err(to_cli)?;
        let client = WireClient::new(Endpoint::new("the server", url), OpenAi::default(), http);
        self.loading.models(&client.map_err(to_cli)?, url).await.map_err(to_cli)
    }
}
