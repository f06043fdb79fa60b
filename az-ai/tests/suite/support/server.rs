//! A simulated server on the loopback interface, one request a connection.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The response to a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Sends this body, with its length.
    Whole { status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    /// Sends these pieces, and then ends the response or keeps it open.
    Stream { pieces: Vec<Vec<u8>>, end: End },
    /// Sends this body and then comments, until the client disconnects.
    Heartbeats { head: Vec<u8> },
    /// Sends nothing, and waits until the client disconnects.
    Silence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Proper,
    Cut,
    /// The response stays open until the client disconnects.
    Open,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::Whole { status, headers: Vec::new(), body: body.to_string().into_bytes() }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Whole { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }

    pub(crate) fn stream(body: impl AsRef<[u8]>, end: End) -> Self {
        Self::Stream { pieces: vec![body.as_ref().to_vec()], end }
    }
}

/// A request that was received.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedRequest {
    pub(crate) head: String,
    pub(crate) body: Value,
}

/// The server. It is stopped when it is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<ReceivedRequest>>>,
    saw_disconnect: Arc<tokio::sync::Notify>,
}

impl Server {
    /// Starts a server with one response for requests of a complete reply and another for those of
    /// a stream.
    pub(crate) async fn start_either(whole: Answer, stream: Answer) -> Self {
        Self::start_with(move |asked| {
            let by_path = asked.head.contains(":streamGenerateContent");
            let streamed = by_path || asked.body["stream"] == true;
            if streamed { stream.clone() } else { whole.clone() }
        })
        .await
    }

    /// Starts a server with the same response for every request.
    pub(crate) async fn start(answer: Answer) -> Self {
        Self::start_with(move |_| answer.clone()).await
    }

    /// Starts a server that chooses its response.
    pub(crate) async fn start_with(
        answer: impl Fn(&ReceivedRequest) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::start_at("127.0.0.1:0", answer).await
    }

    /// Starts a server at an address.
    pub(crate) async fn start_at(
        address: &str,
        answer: impl Fn(&ReceivedRequest) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let server = Self {
            url: format!("http://{}/v1", listener.local_addr().unwrap()),
            asked: Arc::default(),
            saw_disconnect: Arc::default(),
        };
        let this = server.clone();
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (this, answer) = (this.clone(), Arc::clone(&answer));
                tokio::spawn(async move { this.serve(connection, &*answer).await });
            }
        });
        server
    }

    /// Returns the received requests.
    pub(crate) fn requests(&self) -> Vec<ReceivedRequest> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until a client disconnects; returns whether one did.
    pub(crate) async fn saw_disconnect(&self) -> bool {
        tokio::time::timeout(Duration::from_secs(5), self.saw_disconnect.notified()).await.is_ok()
    }

    async fn serve(
        self,
        mut connection: TcpStream,
        answer: &(impl Fn(&ReceivedRequest) -> Answer + Send + Sync),
    ) {
        connection.set_nodelay(true).unwrap();
        let Some(asked) = read(&mut connection).await else { return };
        let answer = answer(&asked);
        self.asked.lock().unwrap().push(asked);
        // A client that disconnects in the middle is not an error of the server.
        self.answer(&mut connection, answer).await.ok();
    }

    async fn answer(&self, connection: &mut TcpStream, answer: Answer) -> std::io::Result<()> {
        match answer {
            Answer::Whole { status, headers, body } => {
                let mut head = format!("HTTP/1.1 {status} Status\r\nconnection: close\r\n");
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                if serde_json::from_slice::<Value>(&body).is_ok() {
                    head.push_str("content-type: application/json\r\n");
                }
                head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
                connection.write_all(head.as_bytes()).await?;
                connection.write_all(&body).await
            }
            Answer::Stream { pieces, end } => {
                let head = "HTTP/1.1 200 OK\r\nconnection: close\r\nx-request-id: req_7\r\n\
                            content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
                connection.write_all(head.as_bytes()).await?;
                for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
                    let size = format!("{:x}\r\n", piece.len());
                    connection.write_all(size.as_bytes()).await?;
                    connection.write_all(piece).await?;
                    connection.write_all(b"\r\n").await?;
                    connection.flush().await?;
                    tokio::task::yield_now().await;
                }
                match end {
                    End::Proper => connection.write_all(b"0\r\n\r\n").await?,
                    End::Cut => {}
                    End::Open => self.wait_for_disconnect(connection).await,
                }
                connection.shutdown().await
            }
            Answer::Heartbeats { head } => {
                let start = "HTTP/1.1 200 OK\r\nconnection: close\r\n\
                             content-type: text/event-stream\r\n\r\n";
                connection.write_all(start.as_bytes()).await?;
                connection.write_all(&head).await?;
                loop {
                    connection.write_all(b": keep-alive\n\n").await?;
                    pause().await;
                }
            }
            Answer::Silence => {
                self.wait_for_disconnect(connection).await;
                Ok(())
            }
        }
    }

    async fn wait_for_disconnect(&self, connection: &mut TcpStream) {
        let mut rest = [0; 16];
        while connection.read(&mut rest).await.is_ok_and(|read| read > 0) {}
        self.saw_disconnect.notify_one();
    }
}

/// Waits between two heartbeats.
#[expect(clippy::disallowed_methods, reason = "the client reads a socket in real time")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

/// Reads a request.
async fn read(connection: &mut TcpStream) -> Option<ReceivedRequest> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(Ok(0), |length| length.trim().parse()).ok()?;
    while bytes.len() < head_end + length {
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    // A request for the list of models has no body.
    let body = serde_json::from_slice(&bytes[head_end..]).unwrap_or_default();
    Some(ReceivedRequest { head, body })
}
