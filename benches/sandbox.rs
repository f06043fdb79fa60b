//! What a sandbox costs: milliseconds per command by tier, and the difference to no sandbox.
//!
//! `cargo bench -p az-benches --bench sandbox` prints the figures, and fails if one misses its bar.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::error::Error;
use std::time::{Duration, Instant};

use az_core::tool::{Invocation, Toolbox};
use az_mcp::builtin::builtin_tools;
use az_mcp::builtin::shell::ShellOptions;
use az_mcp::sandbox::{SandboxMode, SandboxOptions};
use serde_json::json;

/// The most milliseconds that a tier adds to a command, by its name.
const BARS: [(&str, f64); 2] = [("landlock", 3.0), ("bwrap", 8.0)];

/// How often each command is run. The tiers take turns, so that a busy machine slows all of them.
const ROUNDS: usize = 200;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test` runs benches too, to check that they build, and passes this argument.
    if std::env::args().any(|arg| arg == "--test") {
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    let mut tiers = Vec::new();
    for mode in [SandboxMode::Off, SandboxMode::Landlock, SandboxMode::Bwrap] {
        let options = SandboxOptions::new(mode);
        match options.choose() {
            Ok(chosen) => {
                let shell = ShellOptions::default().with_sandbox(options);
                tiers.push((chosen.sandbox.tier(), builtin_tools(shell)?, Vec::new()));
            }
            Err(error) => println!("{error}"),
        }
    }
    let workspace = directory.path().to_string_lossy();
    for _ in 0..ROUNDS {
        for (_, tools, times) in &mut tiers {
            let call = Invocation::bare("shell.execute", json!({"command": ":"}))?;
            let begun = Instant::now();
            tools.call(call.in_workspace(&*workspace)).await?;
            times.push(begun.elapsed());
        }
    }
    let (mut floor, mut holds) = (Duration::ZERO, true);
    for (tier, _, times) in &mut tiers {
        times.sort();
        let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
        let (least, median, slow) = (at(0), at(50), at(95));
        if floor.is_zero() {
            floor = median;
        }
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let more = ms(median.saturating_sub(floor));
        let bar = BARS.iter().find(|(name, _)| tier.to_string() == *name).map(|(_, bar)| *bar);
        holds &= bar.is_none_or(|bar| more <= bar);
        let bar = bar.map_or_else(String::new, |bar| format!("   (bar: {bar} ms more)"));
        println!(
            "{tier:8} min {:.2} ms, p50 {:.2} ms, p95 {:.2} ms, {more:.2} ms more than without{bar}",
            ms(least),
            ms(median),
            ms(slow)
        );
    }
    if holds { Ok(()) } else { Err("a tier takes longer than its bar".into()) }
}
