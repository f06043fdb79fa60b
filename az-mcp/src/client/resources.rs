//! The resources and prompts of a server, for people.

use rmcp::model::{
    ClientRequest, GetPromptRequest, GetPromptRequestParams, ListPromptsRequest,
    ListResourcesRequest, PaginatedRequestParams, ReadResourceRequest, ReadResourceRequestParams,
    ServerResult,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::connection::Connection;
use super::error::ClientError;
use super::server::ServerClient;
use crate::schema::Content;

/// A resource of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(deserialize = "camelCase"))]
#[non_exhaustive]
pub struct Resource {
    /// Its address.
    pub uri: String,
    /// Its name.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub description: Option<String>,
    /// Its media type.
    #[serde(default)]
    pub mime_type: Option<String>,
    /// Its size in bytes.
    #[serde(default)]
    pub size: Option<u64>,
}

/// A part of the content of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(deserialize = "camelCase"))]
#[non_exhaustive]
pub struct ResourceText {
    /// Its address.
    pub uri: String,
    /// Its media type.
    #[serde(default)]
    pub mime_type: Option<String>,
    /// The text; `None` if it is binary.
    #[serde(default)]
    pub text: Option<String>,
    /// The bytes in base64, if it is binary.
    #[serde(default)]
    pub blob: Option<String>,
}

/// A prompt of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Prompt {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Vec<PromptArgument>,
}

/// An argument of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptArgument {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether the prompt needs it.
    #[serde(default)]
    pub required: bool,
}

/// A message of a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptMessage {
    /// Who says it: `user` or `assistant`.
    pub role: String,
    /// What is said.
    pub content: Content,
}

impl ServerClient {
    /// Lists the resources, as far as the limits go.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`] but `NoSuchTool` and `Changed`.
    pub async fn resources(&self) -> Result<Vec<Resource>, ClientError> {
        self.with_connection(async |connection| {
            pages(connection, async |cursor| {
                let request = ListResourcesRequest::with_param(page_of(cursor));
                match connection.ask(ClientRequest::ListResourcesRequest(request)).await? {
                    ServerResult::ListResourcesResult(page) => {
                        Ok((connection.converted(&page.resources)?, page.next_cursor))
                    }
                    _ => Err(connection.invalid("the list of resources is none")),
                }
            })
            .await
        })
        .await
    }

    /// Reads a resource.
    ///
    /// # Errors
    ///
    /// As [`resources`](Self::resources).
    pub async fn read_resource(&self, uri: &str) -> Result<Vec<ResourceText>, ClientError> {
        self.with_connection(async |connection| {
            let request = ReadResourceRequest::new(ReadResourceRequestParams::new(uri));
            match connection.ask(ClientRequest::ReadResourceRequest(request)).await? {
                ServerResult::ReadResourceResult(read) => connection.converted(&read.contents),
                _ => Err(connection.invalid("the content of the resource is none")),
            }
        })
        .await
    }

    /// Lists the prompts, as far as the limits go.
    ///
    /// # Errors
    ///
    /// As [`resources`](Self::resources).
    pub async fn prompts(&self) -> Result<Vec<Prompt>, ClientError> {
        self.with_connection(async |connection| {
            pages(connection, async |cursor| {
                let request = ListPromptsRequest::with_param(page_of(cursor));
                match connection.ask(ClientRequest::ListPromptsRequest(request)).await? {
                    ServerResult::ListPromptsResult(page) => {
                        Ok((connection.converted(&page.prompts)?, page.next_cursor))
                    }
                    _ => Err(connection.invalid("the list of prompts is none")),
                }
            })
            .await
        })
        .await
    }

    /// Returns a prompt with these arguments.
    ///
    /// # Errors
    ///
    /// As [`resources`](Self::resources).
    pub async fn prompt(
        &self,
        name: &str,
        arguments: Map<String, Value>,
    ) -> Result<Vec<PromptMessage>, ClientError> {
        self.with_connection(async |connection| {
            let params = GetPromptRequestParams::new(name).with_arguments(arguments);
            let request = ClientRequest::GetPromptRequest(GetPromptRequest::new(params));
            match connection.ask(request).await? {
                ServerResult::GetPromptResult(prompt) => connection.converted(&prompt.messages),
                _ => Err(connection.invalid("the prompt is none")),
            }
        })
        .await
    }

    async fn with_connection<T>(
        &self,
        ask: impl AsyncFnOnce(&Connection) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let connection = self.connection().await?;
        let result = ask(&connection).await;
        self.note(&connection, &result).await;
        result
    }
}

/// Returns the items of all pages, as far as the limits go.
async fn pages<T>(
    connection: &Connection,
    page: impl AsyncFn(Option<String>) -> Result<(Vec<T>, Option<String>), ClientError>,
) -> Result<Vec<T>, ClientError> {
    let (mut all, mut cursor) = (Vec::new(), None);
    for _ in 0..connection.limits.pages {
        let (items, next) = page(cursor).await?;
        all.extend(items);
        all.truncate(connection.limits.items);
        cursor = next;
        if cursor.is_none() || all.len() >= connection.limits.items {
            break;
        }
    }
    Ok(all)
}

fn page_of(cursor: Option<String>) -> PaginatedRequestParams {
    PaginatedRequestParams::default().with_cursor(cursor)
}
