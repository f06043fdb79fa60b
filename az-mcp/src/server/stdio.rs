//! Serving one client over a pair of streams.

use az_core::{CancellationToken, Error, Result};
use rmcp::service::{ServerInitializeError, serve_server_with_ct};
use rmcp::transport::io::stdio_pipes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::McpServer;

impl McpServer {
    /// Serves the client at the standard input and output until it closes the input, or `stop` is
    /// cancelled. Nothing else may write to the standard output meanwhile.
    ///
    /// When the input is closed, calls have 5 s to end; then they are cancelled. What calls have left
    /// running is ended.
    ///
    /// # Errors
    ///
    /// `Invalid` for a client that does not begin as the protocol says, and the toolbox's if processes are
    /// left.
    pub async fn serve_stdio(&self, stop: CancellationToken) -> Result<()> {
        let (reader, writer) = stdio_pipes();
        self.serve(reader, writer, stop).await
    }

    /// Serves a client over a pair of streams, as [`serve_stdio`](Self::serve_stdio) does.
    ///
    /// # Errors
    ///
    /// As for [`serve_stdio`](Self::serve_stdio).
    pub async fn serve<R, W>(&self, reader: R, writer: W, stop: CancellationToken) -> Result<()>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let served = match serve_server_with_ct(self.clone(), (reader, writer), stop).await {
            Ok(running) => running.waiting().await.map(drop).map_err(|error| {
                Error::Internal(format!("the MCP server ended unexpectedly: {error}"))
            }),
            // A client may go without a word.
            Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => {
                Ok(())
            }
            Err(error) => Err(Error::invalid("MCP client", error.to_string())),
        };
        self.end_background().await?;
        served
    }

    /// Ends what calls have left running.
    ///
    /// # Errors
    ///
    /// The toolbox's, if processes are left.
    pub async fn end_background(&self) -> Result<()> {
        self.toolbox.end_background(&self.options.caller()?.task).await.map(drop)
    }
}
