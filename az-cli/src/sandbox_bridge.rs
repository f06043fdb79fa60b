//! `sandbox-bridge`: connects a command in a sandbox with the proxy outside of it. Only `az` itself
//! calls it, in the sandbox.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use az_mcp::sandbox::{Bridge, run_bridge};

/// The name of the command, which is in no help.
const NAME: &str = "sandbox-bridge";

/// Returns how this program is called as a bridge; `None` if it is not known where it is.
pub(crate) fn bridge() -> Option<Bridge> {
    Some(Bridge::new(std::env::current_exe().ok()?, [NAME.to_owned()]))
}

/// Runs the bridge if the arguments ask for it.
pub(crate) fn answer(args: &[OsString]) -> Option<ExitCode> {
    let [program, name, rest @ ..] = args else { return None };
    if name != NAME {
        return None;
    }
    let own = Bridge::new(program, [NAME.to_owned()]);
    let ended = run_bridge(&own, rest.iter().cloned());
    if let Err(error) = &ended {
        // A closed standard error is not an error.
        writeln!(std::io::stderr().lock(), "az: {NAME}: {error}").ok();
    }
    Some(if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
