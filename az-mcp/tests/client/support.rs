//! Servers for tests: this test program, started anew.

use std::sync::Arc;

use az_mcp::client::{Limits, ServerClient, ServerCommand, ServerOptions, ServerTransport};
use az_mcp::testing::server::{Behaviour, serve};

/// The variable that makes this program a server, with the name of a behaviour.
const BEHAVIOUR: &str = "AZ_TEST_MCP_SERVER";

/// Is a server if the variable is set, and passes at once otherwise.
#[test]
#[expect(clippy::disallowed_methods, reason = "the program is started by other tests")]
fn serves() {
    let named = std::env::var(BEHAVIOUR).ok();
    if let Some(behaviour) = named.and_then(|name| Behaviour::named(&name)) {
        serve(behaviour).unwrap();
    }
}

pub(crate) fn command(behaviour: Behaviour) -> ServerCommand {
    let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
    let args = ["-q", "--exact", "support::serves", "--nocapture"];
    ServerCommand::new(program, args).with_env(BEHAVIOUR, format!("{behaviour:?}"))
}

pub(crate) fn options(behaviour: Behaviour) -> ServerOptions {
    ServerOptions::new("test", ServerTransport::Command(command(behaviour)))
}

pub(crate) fn client(behaviour: Behaviour) -> Arc<ServerClient> {
    Arc::new(ServerClient::new(options(behaviour)))
}

pub(crate) fn limited(behaviour: Behaviour, limits: Limits) -> ServerClient {
    ServerClient::new(options(behaviour).with_limits(limits))
}
