//! Checks the store: whether it can be opened, and whether it is sound.

use az_core::Error;
use az_core::store::{Store, StoreStatus};
use az_core::text::plural;

use super::installation::Installation;
use super::{clock, ledger};
use crate::error::CliError;
use crate::services::Services;
use crate::views::CheckView;

const STORE: &str = "store";

/// What to do about data that is damaged.
const REPAIR: &str = "check the disk; restore a backup, or delete what is damaged, as with `az task \
                      delete`; `az db init --force` keeps the file and begins an empty one";

/// The most problems that are listed.
const LISTED: usize = 20;

/// Checks the store, its ledger, and the clock against its newest records.
pub(super) async fn check(installation: &Installation) -> Vec<CheckView> {
    let Some(services) = &installation.services else {
        let found = "not checked: its address is not known while the configuration is invalid";
        return vec![CheckView::warning(STORE, found), clock::check(None).await];
    };
    let (mut found, store) = opened(services).await;
    if let Some(store) = &store {
        found.extend(soundness(&**store).await);
        found.push(ledger::check(&**store).await);
    }
    let address = services.store_address().to_string();
    let mut found: Vec<_> = found.into_iter().map(|check| check.about(&address)).collect();
    found.push(clock::check(store.as_deref()).await);
    found
}

type Opened = (Vec<CheckView>, Option<std::sync::Arc<dyn Store>>);

async fn opened(services: &Services) -> Opened {
    match services.store_to_read().await {
        Ok(Some(store)) => (Vec::new(), Some(store)),
        Ok(None) => {
            let found = "it does not exist yet; the first task creates it";
            (vec![CheckView::ok(STORE, found)], None)
        }
        Err(error) => (vec![refused(&error)], None),
    }
}

/// Returns the finding of a store that cannot be opened. One of an older schema can be used: it is migrated
/// by the next command that writes.
fn refused(error: &CliError) -> CheckView {
    let finding = match error {
        CliError::Core(Error::OlderSchema { .. } | Error::Busy { .. }) => CheckView::warning,
        _ => CheckView::error,
    };
    let finding = finding(STORE, error.to_string());
    match error.remedy() {
        _ if matches!(error, CliError::Core(Error::Io { .. })) => finding.with_remedy(REPAIR),
        Some(remedy) => finding.with_remedy(remedy),
        None => finding.with_remedy("check the address: `az config get store.url --origin`"),
    }
}

/// Reads all of the store.
async fn soundness(store: &dyn Store) -> Vec<CheckView> {
    let problems = match store.check().await {
        Ok(problems) => problems,
        Err(error) => return vec![refused(&error.into())],
    };
    if problems.is_empty() {
        return vec![match store.status().await {
            Ok(status) => CheckView::ok(STORE, in_words(&status)),
            Err(error) => refused(&error.into()),
        }];
    }
    let more = problems.len().saturating_sub(LISTED);
    let listed = problems.into_iter().take(LISTED);
    let mut found: Vec<_> =
        listed.map(|problem| CheckView::error(STORE, problem).with_remedy(REPAIR)).collect();
    if more > 0 {
        let remedy = "`az db status --check` lists all of them";
        found.push(CheckView::error(STORE, format!("{more} more problems")).with_remedy(remedy));
    }
    found
}

fn in_words(status: &StoreStatus) -> String {
    let schema = status.schema.map(|schema| format!("schema {schema}"));
    let size = status.bytes.map(|bytes| format!("{} KiB", bytes.div_ceil(1024)));
    let counts = [plural(status.tasks, "task"), plural(status.events, "event")];
    let all: Vec<_> = schema.into_iter().chain(counts).chain(size).collect();
    format!("sound: {}", all.join(", "))
}
