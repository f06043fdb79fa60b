//! Recordings in memory, and recordings of a script.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use az_ai::client::LlmClient;
use az_ai::recording::{Header, RecordedClient, ReplayClient};

/// Collects what is written; one clone is the writer, another reads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paper {
    writes: Arc<Mutex<Vec<String>>>,
    full: bool,
}

impl Paper {
    /// Creates one on which every write fails.
    pub(crate) fn full() -> Self {
        Self { full: true, ..Self::default() }
    }

    pub(crate) fn text(&self) -> String {
        self.writes.lock().unwrap().concat()
    }

    /// Returns the text of each write.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.writes.lock().unwrap().clone()
    }

    pub(crate) fn played(&self) -> ReplayClient {
        ReplayClient::from_json_lines(&self.text()).unwrap()
    }

    /// Returns a client that records to it.
    pub(crate) fn record(&self, client: impl LlmClient) -> RecordedClient {
        let header = Header::of(&client, "m");
        RecordedClient::new(Arc::new(client), &header, self.clone()).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.full {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no space left"));
        }
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        self.writes.lock().unwrap().push(text);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
