//! A client that keeps what is said.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::file::{self, Found};
use super::format::Header;
use super::log::Log;
use super::tape::Tape;
use crate::chat::{ChatReply, ChatRequest, ChatStream};
use crate::client::{Capabilities, CostEstimate, LlmClient};
use crate::error::{Error, Result};

/// Keeps every exchange with another client, once it is over: also those that failed, and those
/// that nobody waited for.
///
/// A line is written whole, with one write, before the caller is given the end of its reply. When
/// it cannot be written the caller has its reply all the same, because that is paid for; the next
/// call is refused before it is sent. Dropping the last clone waits until everything is written.
#[derive(Clone)]
pub struct RecordedClient {
    inner: Arc<dyn LlmClient>,
    log: Arc<Log>,
}

impl fmt::Debug for RecordedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecordedClient").field(&self.inner).finish()
    }
}

impl RecordedClient {
    /// Returns a client that writes a new recording to `out`.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] when there is no thread to write with.
    pub fn new(
        inner: Arc<dyn LlmClient>,
        header: &Header,
        out: impl Write + Send + 'static,
    ) -> Result<Self> {
        let this = Self::going_on(inner, out)?;
        // Written before anything else is; who waits for that is whoever waits for the rest.
        drop(this.log.write(header));
        Ok(this)
    }

    /// Returns a client that writes to a file: a new one, or one that holds a recording of the
    /// same model already, which is added to. Opening it may wait for the disk.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] when the file cannot be opened, or holds anything else.
    pub fn to_file(inner: Arc<dyn LlmClient>, header: &Header, path: &Path) -> Result<Self> {
        let found = file::open(path, header).map_err(|reason| Error::Setup {
            provider: header.provider.clone(),
            reason: format!("its recording cannot be written: {reason}"),
        })?;
        match found {
            Found::New(file) => Self::new(inner, header, file),
            Found::Begun(file) => Self::going_on(inner, file),
        }
    }

    /// Says whether everything so far could be written.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] when something could not.
    pub fn check(&self) -> Result<()> {
        self.log.check()
    }

    fn going_on(inner: Arc<dyn LlmClient>, out: impl Write + Send + 'static) -> Result<Self> {
        let log = Arc::new(Log::new(inner.provider(), out)?);
        Ok(Self { inner, log })
    }

    fn start(&self, request: &ChatRequest) -> Result<Tape> {
        self.check()?;
        Ok(Tape::start(Arc::clone(&self.log), request, self.inner.estimate_cost(request)))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmClient for RecordedClient {
    fn provider(&self) -> &str {
        self.inner.provider()
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        self.inner.capabilities(model)
    }

    fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate {
        self.inner.estimate_cost(request)
    }

    async fn complete(&self, request: &ChatRequest) -> Result<ChatReply> {
        let tape = self.start(request)?;
        let result = self.inner.complete(request).await;
        tape.end(result.as_ref()).await;
        result
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let (this, request) = (self.clone(), request.clone());
        // The exchange begins when the stream is read, and not before.
        let opening = async move {
            let tape = this.start(&request);
            tape.map(|tape| tape.through(this.inner.provider(), this.inner.stream(&request)))
        };
        stream::once(opening).try_flatten().boxed()
    }
}
