//! Which models a server offers.

use serde::Deserialize;

use super::client::OpenAiClient;
use crate::error::{Error, Result};

#[derive(Deserialize)]
struct ModelList {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

impl OpenAiClient {
    /// Lists the server's models, in its order.
    ///
    /// # Errors
    ///
    /// Whatever kept the answer from coming, and [`Error::Malformed`] when it is no such list.
    pub async fn models(&self) -> Result<Vec<String>> {
        let body = self.0.get("/models").await?;
        let list: ModelList = serde_json::from_slice(&body).map_err(|error| Error::Malformed {
            provider: self.0.config.name.clone(),
            reason: format!("its list of models: {error}"),
        })?;
        Ok(list.data.into_iter().map(|model| model.id).collect())
    }
}
