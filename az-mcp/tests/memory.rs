//! Memory use for long output. It is a test binary of its own, because memory is measured for the
//! whole process.
#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a failed test is the right outcome, and skipped tests say so"
)]

use std::fs;

use az_core::tool::{Invocation, Toolbox};
use az_mcp::builtin::builtin_tools;
use az_mcp::builtin::shell::ShellOptions;
use az_mcp::sandbox::{SandboxMode, SandboxOptions};
use serde_json::json;

/// Returns the peak resident memory of this process.
fn peak_resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Memory is measured for the process, so that the sandboxes are measured one after the other.
#[tokio::test]
async fn a_gibibyte_of_output_takes_less_than_ten_mebibytes_in_every_sandbox() {
    for mode in [SandboxMode::Off, SandboxMode::Landlock, SandboxMode::Bwrap] {
        let sandbox = SandboxOptions::new(mode);
        if let Err(error) = sandbox.choose() {
            eprintln!("skipped: {error}");
            continue;
        }
        let dir = tempfile::tempdir().unwrap();
        let options = ShellOptions::default().with_env("PATH", "/usr/bin:/bin");
        let tools = builtin_tools(options.with_sandbox(sandbox)).unwrap();
        let bytes = 1_u64 << 30;
        let arguments = json!({"command": format!("yes | head -c {bytes}")});
        let call = Invocation::bare("shell.execute", arguments).unwrap();
        let before = peak_resident_kib();
        let output = tools.call(call.in_workspace(dir.path().to_str().unwrap())).await.unwrap();
        let grown = peak_resident_kib() - before;
        assert_eq!(output.data.unwrap()["stdout_bytes"], bytes);
        assert!(grown < 10 << 10, "{mode:?}: {grown} KiB");
    }
}
