//! `az cost reconcile`.

use std::process::ExitCode;

use az_core::Usd;
use az_core::clock::{Clock, SystemClock};
use az_core::cost::{CostEntry, CostTracker, Decision, Payer, Reconciliation, TimeRange};
use az_core::store::Store;
use az_core::text::plural;
use clap::Args;

use super::payer::{PayerArg, Unknown, note_unknown, parse_payer, resolve};
use crate::commands::time_range::TimeRangeArgs;
use crate::error::CliError;
use crate::output::{FormatArgs, uncertain_table};
use crate::services::Services;
use crate::views::{LedgerEntryView, NoticeView, money};

const EXAMPLES: &str = "\
Examples:
  az cost reconcile
  az cost reconcile --task 4f2a9c81d0e7 --release
  az cost reconcile --provider openai --since 2h --release
  az cost reconcile --entry task:4f2a9c81d0e7/m7 --confirm 0.012
  az cost reconcile --all --confirm

A call that fails after it was sent, or is lost in a crash, may cost something. Unless the provider
documents that it does not bill such a failure, the call is booked at the most that it can cost and
marked as uncertain, and counts against budgets. Compare the list with the provider's bill:
--release books nothing instead, and --confirm books the amount for good. Without either, nothing
is changed.";

/// List the costs of failed calls that may not be billed, and release or confirm them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReconcileArgs {
    /// Only calls of this task
    #[arg(long, value_name = "ID", conflicts_with = "payer")]
    task: Option<String>,
    #[command(flatten)]
    payer: PayerArg,
    /// Only this call, as it is listed: PAYER/CALL; can be given several times
    #[arg(long, value_name = "PAYER/CALL")]
    entry: Vec<String>,
    /// Only calls to this provider
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    #[command(flatten)]
    range: TimeRangeArgs,
    /// All calls
    #[arg(long, conflicts_with_all = ["task", "payer", "entry", "provider", "since", "until"])]
    all: bool,
    /// Book nothing for these calls: the provider did not bill them
    #[arg(long, conflicts_with = "confirm")]
    release: bool,
    /// Book these calls for good: at the listed cost, or a single one at this amount of US dollars
    #[arg(long, value_name = "AMOUNT", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "the option, and its optional value")]
    confirm: Option<Option<Usd>>,
    #[command(flatten)]
    format: FormatArgs,
}

impl ReconcileArgs {
    /// Returns the decision, if one is given.
    pub(super) const fn decision(&self) -> Option<Decision> {
        match self.confirm {
            _ if self.release => Some(Decision::Released),
            Some(amount) => Some(Decision::Confirmed(amount)),
            None => None,
        }
    }

    fn selects(&self) -> bool {
        let by_name = self.task.is_some() || self.payer.payer.is_some() || self.provider.is_some();
        self.all || by_name || !self.entry.is_empty() || !self.range.is_empty()
    }
}

/// Lists the uncertain entries, or decides what they cost.
///
/// # Errors
///
/// Bad arguments, or the store's.
pub(super) async fn run(args: &ReconcileArgs, services: &Services) -> Result<ExitCode, CliError> {
    let Some(decision) = args.decision() else {
        let store = services.store_to_read().await?;
        let entries = match &store {
            Some(store) => selected(args, &**store, services).await?,
            None => Vec::new(),
        };
        let is_empty = entries.is_empty();
        let listed = list(entries, args, services)?;
        if is_empty {
            let tasks = store.as_deref().map(|store| store as _);
            note_unknown(tasks, args.payer.payer.as_ref(), services.printer()).await?;
        }
        return Ok(listed);
    };
    if !args.selects() {
        return Err(CliError::Usage(
            "choose the calls: --task, --payer, --entry, --provider, --since, --until, or --all; \
             `az cost reconcile` lists them"
                .to_owned(),
        ));
    }
    let store = services.store().await?;
    let entries = selected(args, &*store, services).await?;
    if let (Decision::Confirmed(Some(_)), 2..) = (decision, entries.len()) {
        return Err(CliError::Usage(format!(
            "--confirm AMOUNT is for one call, and {} are chosen; choose one with --entry, or omit \
             the amount to confirm each at its listed cost",
            entries.len()
        )));
    }
    let notice = decide(&*store, &entries, decision).await?;
    services.printer().done(&in_words(&notice), &notice)?;
    Ok(ExitCode::SUCCESS)
}

fn list(
    entries: Vec<CostEntry>,
    args: &ReconcileArgs,
    services: &Services,
) -> Result<ExitCode, CliError> {
    let printer = services.printer();
    let rows: Vec<_> = entries.into_iter().map(LedgerEntryView::from).collect();
    uncertain_table(&rows).print(&rows, args.format.choose(printer), printer)?;
    let advice = if rows.is_empty() {
        "no cost is uncertain"
    } else {
        "these costs count against budgets until --release or --confirm decides about them"
    };
    printer.say(advice);
    Ok(ExitCode::SUCCESS)
}

/// Returns the uncertain entries that the arguments choose.
async fn selected(
    args: &ReconcileArgs,
    store: &dyn Store,
    services: &Services,
) -> Result<Vec<CostEntry>, CliError> {
    let settings = services.settings();
    let calendar = settings.calendar();
    let zone = &settings.time_zone;
    let range = args.range.within(None, (&calendar, zone), SystemClock.now())?;
    let payer = match &args.task {
        Some(id) => Some(resolve(store, &task(id)?, Unknown::Keep).await?),
        None => args.payer.payer(Some(store)).await?,
    };
    let mut entries = store.uncertain(range, payer.as_ref()).await?;
    if let Some(provider) = &args.provider {
        entries.retain(|entry| entry.provider == *provider);
    }
    if !args.entry.is_empty() {
        let mut named = Vec::new();
        for name in &args.entry {
            named.push(find(name, &entries, store).await?);
        }
        entries.retain(|entry| named.contains(entry));
    }
    Ok(entries)
}

fn task(id: &str) -> Result<Payer, CliError> {
    parse_payer(&format!("task:{id}"))
        .map_err(|reason| CliError::Usage(format!("--task: {reason}")))
}

/// Returns the uncertain entry with a name, `PAYER/CALL`. A task is found by a part of its id.
async fn find(name: &str, entries: &[CostEntry], store: &dyn Store) -> Result<CostEntry, CliError> {
    let bad = |reason: &str| CliError::Usage(format!("--entry: {name:?} {reason}"));
    let listed = "`az cost reconcile` lists the calls with an uncertain cost";
    let (payer, call) = name.rsplit_once('/').ok_or_else(|| {
        bad(&format!("must be PAYER/CALL, such as task:4f2a9c81d0e7/m7; {listed}"))
    })?;
    let payer =
        parse_payer(payer).map_err(|reason| CliError::Usage(format!("--entry: {reason}")))?;
    let payer = resolve(store, &payer, Unknown::Keep).await?;
    let is_it = |entry: &&CostEntry| entry.payer == payer && entry.call.as_str() == call;
    if let Some(entry) = entries.iter().find(is_it) {
        return Ok(entry.clone());
    }
    let booked = store.entries(TimeRange::ALL, Some(&payer)).await?;
    let reason = if booked.iter().any(|entry| is_it(&entry) && entry.charge.uncertain) {
        "is not among the calls that the other options choose".to_owned()
    } else if booked.iter().any(|entry| is_it(&entry)) {
        format!("has a cost that is certain, which is not changed; {listed}")
    } else {
        format!("is not in the ledger; {listed}")
    };
    Err(bad(&reason))
}

/// Decides about entries. One that another process has decided about meanwhile is not counted.
async fn decide(
    ledger: &dyn CostTracker,
    entries: &[CostEntry],
    decision: Decision,
) -> Result<NoticeView, CliError> {
    let (mut calls, mut before, mut after) = (0, Usd::ZERO, Usd::ZERO);
    for entry in entries {
        let (payer, call, now) = (entry.payer.clone(), entry.call.clone(), SystemClock.now());
        let decided = Reconciliation::new(payer, call, decision, now);
        if let Some(decided) = ledger.reconcile(&decided).await? {
            calls += 1;
            before = before.plus(entry.charge.cost.unwrap_or_default());
            after = after.plus(decided.charge.cost.unwrap_or_default());
        }
    }
    let ((before_nanos, before_usd), (after_nanos, after_usd)) = (money(before), money(after));
    let released = decision == Decision::Released;
    Ok(NoticeView::CostsReconciled {
        released,
        calls,
        before_nanos,
        before_usd,
        after_nanos,
        after_usd,
    })
}

fn in_words(notice: &NoticeView) -> String {
    let NoticeView::CostsReconciled { released, calls, before_nanos, after_nanos, .. } = notice
    else {
        return String::new();
    };
    let (before, after) = (Usd::from_nanos(*before_nanos), Usd::from_nanos(*after_nanos));
    match (calls, released) {
        (0, _) => "no cost is uncertain; nothing was changed".to_owned(),
        (calls, true) => format!("released {before} of {}", plural(*calls, "call")),
        (calls, false) => {
            format!("confirmed {}: {after} instead of at most {before}", plural(*calls, "call"))
        }
    }
}
