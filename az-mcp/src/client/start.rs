//! Opens connections: starts a program or connects to an address, and finds out which era the server is of.

use std::error::Error;

use rmcp::model::ProtocolVersion;
use rmcp::service::ClientInitializeError;
use rmcp::{ClientLifecycleMode, ClientServiceExt};

use super::connection::Connection;
use super::handler::{Handler, Routes};
use super::http;
use super::options::{Era, ServerOptions, ServerTransport};
use super::process::ServerProcess;
use super::reader::{MessageReader, ReadReport};
use super::shown::without_hidden;

/// Opens a connection. `known` is the era that the server was of before.
///
/// # Errors
///
/// Why it cannot be opened.
pub(super) async fn open(options: &ServerOptions, known: Era) -> Result<Connection, String> {
    let limit = options.limits.start;
    let attempt = async {
        let mut failed = None;
        for mode in modes(options.era, known) {
            match attempt(options, mode).await {
                Ok(connection) => return Ok(connection),
                Err(Failed::ForGood(reason)) => return Err(reason),
                Err(Failed::AsThis(reason)) => {
                    failed.get_or_insert(reason);
                }
            }
        }
        Err(failed.unwrap_or_default())
    };
    match tokio::time::timeout(limit, attempt).await {
        Ok(result) => result,
        Err(_) => Err(format!("it did not answer within {} s of its start", limit.as_secs_f64())),
    }
}

/// Why an attempt failed.
enum Failed {
    /// Another attempt would fail as well.
    ForGood(String),
    /// Spoken to as a server of another era, it may answer.
    AsThis(String),
}

/// Returns how a server is spoken to: first in the way of its era, and if that fails, in the other.
fn modes(configured: Era, known: Era) -> Vec<ClientLifecycleMode> {
    let initialize = || ClientLifecycleMode::Initialize;
    let preferred = || vec![ProtocolVersion::V_2026_07_28];
    let discover = || ClientLifecycleMode::Discover { preferred_versions: preferred() };
    let either = || ClientLifecycleMode::Auto {
        preferred_versions: preferred(),
        legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
    };
    match (configured, known) {
        (Era::Legacy, _) => vec![initialize()],
        (Era::Modern, _) => vec![discover()],
        (Era::Auto, Era::Legacy) => vec![initialize(), either()],
        (Era::Auto, Era::Modern) => vec![discover(), either()],
        (Era::Auto, Era::Auto) => vec![either(), initialize()],
    }
}

async fn attempt(options: &ServerOptions, mode: ClientLifecycleMode) -> Result<Connection, Failed> {
    let handler = Handler {
        server: options.name.clone(),
        roots: options.roots.clone(),
        routes: Routes::default(),
        is_changed: std::sync::Arc::default(),
        answerer: options.answerer.clone(),
    };
    let (report, of) = (ReadReport::default(), (options.name.as_str(), options.limits));
    match &options.transport {
        ServerTransport::Http(server) => {
            let transport = http::connect(server, options.limits).map_err(Failed::ForGood)?;
            match handler.serve_with_lifecycle(transport, mode).await {
                Ok(service) => Ok(Connection::new(of, service, None, report)),
                Err(error) => Err(Failed::AsThis(reason_of(&error))),
            }
        }
        ServerTransport::Command(command) => {
            let started = ServerProcess::start(&options.name, command);
            let (mut process, stdout, stdin) = started.map_err(Failed::ForGood)?;
            let reader = MessageReader::new(stdout, options.limits, report.clone());
            match handler.serve_with_lifecycle((reader, stdin), mode).await {
                Ok(service) => Ok(Connection::new(of, service, Some(process), report)),
                Err(error) => {
                    let reason = report.reason().unwrap_or_else(|| reason_of(&error));
                    let ended = process.ending().await;
                    Err(Failed::AsThis(format!("{reason}; {ended}")))
                }
            }
        }
    }
}

fn reason_of(error: &ClientInitializeError) -> String {
    match error {
        _ if error.is_authorization_required() => {
            "it asks for authorization; set the header that it expects, such as \
             `Authorization: Bearer …`"
                .to_owned()
        }
        ClientInitializeError::ConnectionClosed(_) => "it ended before it answered".to_owned(),
        ClientInitializeError::TransportError { error, .. } => chain(&*error.error),
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => reason_of(fallback),
        other => az_core::text::one_line(&other.to_string(), 500),
    }
}

/// Returns the message of an error, and those of its causes that it does not contain.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let message = cause.to_string();
        if !text.contains(&message) {
            text.push_str(&format!(": {message}"));
        }
        source = cause.source();
    }
    az_core::text::one_line(&without_hidden(&without_queries(&text)), 500)
}

/// Returns a text without the queries and the users of the addresses in it, which may be secrets.
fn without_queries(text: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|c: char| c.is_whitespace() || ")>\"'`".contains(c));
        let (address, behind) = after.split_at(end.unwrap_or(after.len()));
        let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let address = format!("{host}{path}");
        let plain = address.split(['?', '#']).next().unwrap_or_default();
        kept.push_str(&format!("{before}://{plain}"));
        rest = behind;
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::without_queries;

    #[test]
    fn addresses_in_messages_have_neither_users_nor_queries() {
        for (text, expected) in [
            ("for url (http://a:b@c.d:1/e?key=1#f): refused", "for url (http://c.d:1/e): refused"),
            ("https://c.d?key=1", "https://c.d"),
            ("no address: x?y", "no address: x?y"),
            ("http://a/b and http://c?d e", "http://a/b and http://c e"),
        ] {
            assert_eq!(without_queries(text), expected);
        }
    }
}
