//! Runs the checks concurrently, each with a time limit.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use az_core::blocking;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::installation::Installation;
use super::{configuration, disk, files, models, sandbox, store, terminal};
use crate::output::{Printer, Progress};
use crate::views::CheckView;

/// The time limit of the check of the store, which reads all of it.
const READ_STORE: Duration = Duration::from_secs(60);
/// The time limit of checks of files.
const READ_FILES: Duration = Duration::from_secs(5);
/// The time limit of all requests to providers together; each has a shorter one.
const ASK_PROVIDERS: Duration = Duration::from_secs(20);

/// A check that can be awaited.
type Work = Pin<Box<dyn Future<Output = Vec<CheckView>> + Send>>;

/// Runs all checks; returns their findings in a fixed order. The progress is shown on a terminal.
pub(super) async fn run(installation: Arc<Installation>, printer: &Printer) -> Vec<CheckView> {
    let blocking = |name, limit, check: fn(Arc<Installation>) -> Work| {
        let work = on_blocking_pool(name, check(Arc::clone(&installation)));
        (name, limit, work)
    };
    let checks: Vec<(&'static str, Duration, Work)> = vec![
        blocking("config", READ_FILES, |i| Box::pin(async move { configuration::check(&i) })),
        blocking("store", READ_STORE, |i| Box::pin(async move { store::check(&i).await })),
        blocking("disk", READ_FILES, |i| Box::pin(async move { disk::check(&i) })),
        blocking("files", READ_FILES, |i| Box::pin(async move { files::check(&i) })),
        blocking("sandbox", READ_FILES, |i| Box::pin(async move { sandbox::check(&i) })),
        ("provider", ASK_PROVIDERS, {
            let installation = Arc::clone(&installation);
            Box::pin(async move { models::check(&installation).await })
        }),
        blocking("terminal", READ_FILES, |i| Box::pin(async move { terminal::check(&i) })),
    ];
    let progress = Progress::new(printer);
    let mut waiting: BTreeMap<usize, &str> =
        checks.iter().enumerate().map(|(rank, (name, ..))| (rank, *name)).collect();
    let mut running = JoinSet::new();
    for (rank, (name, limit, work)) in checks.into_iter().enumerate() {
        running.spawn(async move { (rank, limited(name, limit, work).await) });
    }
    let mut found = BTreeMap::new();
    loop {
        let names: Vec<_> = waiting.values().copied().collect();
        if !names.is_empty() {
            progress.show(&format!("checking: {}", names.join(", ")));
        }
        let Some(done) = running.join_next().await else { break };
        // A check that panics leaves its name in the list.
        let Ok((rank, views)) = done else { continue };
        waiting.remove(&rank);
        found.insert(rank, views);
    }
    for (rank, name) in waiting {
        found.insert(rank, vec![CheckView::error(name, "the check failed; this is a bug of az")]);
    }
    found.into_values().flatten().collect()
}

/// Runs a check until its time limit.
async fn limited(name: &'static str, limit: Duration, work: Work) -> Vec<CheckView> {
    timeout(limit, work).await.unwrap_or_else(|_| {
        let found = format!("not finished after {} s", limit.as_secs());
        let remedy = match name {
            "store" => "`az db status --check` checks the store without a time limit",
            _ => "run `az doctor` again; if it stays so, a disk or a network does not answer",
        };
        vec![CheckView::warning(name, found).with_remedy(remedy)]
    })
}

/// Runs a check that may block, as on a disk that does not answer.
fn on_blocking_pool(name: &'static str, check: Work) -> Work {
    Box::pin(async move {
        let runtime = Handle::current();
        let found = blocking::run(move || runtime.block_on(check)).await;
        found.unwrap_or_else(|error| vec![CheckView::error(name, error.to_string())])
    })
}
