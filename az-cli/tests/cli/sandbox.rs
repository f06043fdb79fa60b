//! The sandbox of commands, as `az` wires it.

use az_mcp::sandbox::{Bwrap, Sandbox};
use serde_json::json;

use crate::support::{Az, script};

/// The bridge of `az` leads to its proxy, and that refuses this machine: what `az` runs with does not
/// map names to it, as tests of the proxy do.
#[test]
fn a_command_reaches_the_proxy_which_refuses_addresses_of_this_machine() {
    if let Err(error) = Bwrap::default().probe() {
        eprintln!("skipped: {error}");
        return;
    }
    let az = Az::new();
    let ask = "unset NO_PROXY no_proxy; python3 -c 'import urllib.request, urllib.error\n\
               try: urllib.request.urlopen(\"http://localhost/\")\n\
               except urllib.error.HTTPError as error: print(error.read().decode())'";
    let call = json!({"calls": [{"name": "shell.execute", "arguments": {"command": ask}}]});
    let model = script(&az, &[call, json!({"text": "done"})]);
    let az = az
        .with_var("AZ_SANDBOX_TIER", "bwrap")
        .with_var("AZ_SANDBOX_NETWORK", "hosts")
        .with_var("AZ_SANDBOX_HOSTS", "localhost");
    let run = ["task", "run", "x", "--allow", "shell.execute", "--model", &model, "--json"];
    let events = az.ok(&run);
    assert!(events.contains("which is not of the Internet"), "{events}");
}
