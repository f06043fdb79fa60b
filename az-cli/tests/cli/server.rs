//! A server on the loopback that answers as it is told, one request a connection.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What the server does with one request: these bytes, then it closes the connection.
pub(crate) type Answer = String;

/// A request that was received.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The method and the path, as in `GET /v1/models`.
    pub(crate) line: String,
    /// The body; null if it is not JSON.
    pub(crate) body: Value,
}

/// Starts a server that answers each request; returns its address and the requests.
pub(crate) fn serve(
    answer: impl Fn(&Request) -> Answer + Send + 'static,
) -> (String, Arc<Mutex<Vec<Request>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let Some(request) = read_request(&mut stream) else { continue };
            received.lock().unwrap().push(request.clone());
            stream.write_all(answer(&request).as_bytes()).ok();
        }
    });
    (address, requests)
}

/// Starts a server that gives these answers to calls, one each, then the last one again and again, and
/// describes no models; returns its address and the count of calls.
pub(crate) fn server(answers: Vec<Answer>) -> (String, Arc<Mutex<usize>>) {
    let count = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&count);
    let (address, _) = serve(move |request| {
        if request.line.starts_with("GET ") {
            return not_found();
        }
        let mut count = counted.lock().unwrap();
        *count += 1;
        answers.get(*count - 1).or(answers.last()).unwrap().clone()
    });
    (address, count)
}

fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                let line = head.lines().next()?.trim_end_matches(" HTTP/1.1").to_owned();
                return Some(Request {
                    line,
                    body: serde_json::from_str(body).unwrap_or_default(),
                });
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

pub(crate) fn not_found() -> Answer {
    answer("404 Not Found", "", "{}")
}

pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )
}

pub(crate) fn sse(events: &[&str]) -> Answer {
    let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{body}")
}

/// Returns a streamed reply with a text.
pub(crate) fn says(text: &str) -> Answer {
    let delta =
        json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]});
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":900,"completion_tokens":9}}"#;
    sse(&[&delta.to_string(), usage, "[DONE]"])
}

/// Returns a refusal with a message.
pub(crate) fn refuses(status: &str, message: &str) -> Answer {
    answer(status, "", &json!({"error": {"message": message}}).to_string())
}

/// Returns a list of models.
pub(crate) fn lists(models: &Value) -> Answer {
    answer("200 OK", "", &json!({"object": "list", "data": models}).to_string())
}
