//! A client that records exchanges.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::file::{self, FileState};
use super::format::{Exchange, Header};
use super::log::Log;
use super::recorder::ExchangeRecorder;
use crate::chat::{ChatReply, ChatRequest, ChatStream};
use crate::client::{Capabilities, CostEstimate, Fact, LlmClient, Prepared};
use crate::error::{Error, Result};

/// A client that records every exchange with another client, including failed calls and dropped
/// ones.
///
/// A line is written with one write, before the caller gets the end of the reply. If that fails,
/// the caller still gets the reply, because it is paid for; the next call is refused before it is
/// sent. Dropping the last clone waits until everything is written.
#[derive(Clone)]
pub struct RecordedClient {
    inner: Arc<dyn LlmClient>,
    log: Arc<Log>,
    /// The capabilities in the header.
    written: Capabilities,
}

impl fmt::Debug for RecordedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecordedClient").field(&self.inner).finish()
    }
}

impl RecordedClient {
    /// Creates a client that writes a new recording to `out`.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] when the writer thread cannot be started.
    pub fn new(
        inner: Arc<dyn LlmClient>,
        header: &Header,
        out: impl Write + Send + 'static,
    ) -> Result<Self> {
        let this = Self::appending(inner, header, out, false)?;
        // The header is the first line in the queue; waiting for a later line includes it.
        drop(this.log.write(header));
        Ok(this)
    }

    /// Creates a client that writes to a file: a new one, or a recording of the same model, which
    /// is appended to. Opening it blocks on the disk.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] when the file cannot be opened, or contains something else.
    pub fn to_file(inner: Arc<dyn LlmClient>, header: &Header, path: &Path) -> Result<Self> {
        let found = file::open(path, header).map_err(|reason| Error::Setup {
            provider: header.provider.clone(),
            reason: format!("its recording cannot be written: {reason}"),
        })?;
        match found {
            FileState::New(file) => Self::new(inner, header, file),
            FileState::Begun { file, header, has_exchanges } => {
                Self::appending(inner, &header, file, has_exchanges)
            }
        }
    }

    /// Returns whether all exchanges so far could be written.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] when one could not be written.
    pub fn check(&self) -> Result<()> {
        self.log.check()
    }

    fn appending(
        inner: Arc<dyn LlmClient>,
        header: &Header,
        out: impl Write + Send + 'static,
        has_exchanges: bool,
    ) -> Result<Self> {
        let log = Arc::new(Log::new(inner.provider(), out, has_exchanges)?);
        Ok(Self { inner, log, written: header.capabilities })
    }

    fn start(&self, request: &ChatRequest) -> Result<ExchangeRecorder> {
        self.check()?;
        // A replay begins with the capabilities of the first exchange, and learns facts as they were
        // learned after it. Of exchanges at the same time, any may be written first.
        let capabilities = self.inner.capabilities(&request.model);
        let is_changed = !self.log.has_exchanges() && capabilities != self.written;
        let capabilities = is_changed.then_some(capabilities);
        let quote = self.inner.estimate_cost(request);
        let exchange = Exchange { capabilities, ..Exchange::of(request, quote) };
        Ok(ExchangeRecorder::start(Arc::clone(&self.log), exchange))
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
        let recorder = self.start(request)?;
        let result = self.inner.complete(request).await;
        recorder.end(result.as_ref()).await;
        result
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let (this, request) = (self.clone(), request.clone());
        // The exchange begins when the stream is first polled.
        let opening = async move {
            let recorder = this.start(&request);
            recorder.map(|recorder| {
                recorder.through(this.inner.provider(), this.inner.stream(&request))
            })
        };
        stream::once(opening).try_flatten().boxed()
    }

    fn learn(&self, model: &str, fact: Fact) {
        self.inner.learn(model, fact);
    }

    async fn prepare(&self, model: &str) -> Prepared {
        self.inner.prepare(model).await
    }
}
