//! The reference implementations satisfy every contract, and every kit is run.
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]

mod account;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use az_core::Clock;
use az_core::approval::{Approver, Unattended};
use az_core::clock::ManualClock;
use az_core::memory::{MemoryStore, MemoryStores};
use az_core::store::{StoreAddress, StoreFactory};
use az_core::testing::sample::at;
use az_core::testing::{
    self, ApproverFixture, Capabilities, Example, ExpectedOutcome, FakeApprover, FakeTool,
    FakeToolbox, Fixture, LetterEmbedder, Shared, StoreFactoryFixture, ToolboxFixture,
};
use az_core::tool::{EffectClass, Invocation, ToolOutput, Toolbox};
use serde_json::json;

mod task_repository {
    az_core::task_repository_conformance! {
        make: crate::Shared::<crate::MemoryStore>::new,
        skips: ["tasks_survive_a_restart"],
    }
}

mod task_queue {
    az_core::task_queue_conformance! {
        make: crate::Shared::<crate::MemoryStore>::new,
        skips: ["enqueued_tasks_survive_a_restart", "leases_survive_a_restart"],
    }
}

mod journal {
    az_core::journal_conformance! {
        make: crate::Shared::<crate::MemoryStore>::new,
        skips: ["events_survive_a_restart"],
    }
}

mod clock {
    az_core::clock_conformance! {
        make: crate::Shared::<az_core::clock::SystemClock>::new,
        skips: [],
    }

    mod manual {
        az_core::clock_conformance! { make: crate::Manual::default, skips: [] }
    }
}

mod lease_anchors {
    az_core::lease_anchors_conformance! {
        make: crate::Shared::<crate::MemoryStore>::new,
        skips: ["anchors_survive_a_restart"],
    }
}

mod ledger {
    az_core::ledger_conformance! {
        make: crate::Shared::<crate::MemoryStore>::new,
        skips: [
            "entries_survive_a_restart",
            "decisions_survive_a_restart",
            "holds_survive_a_restart",
            "budgets_survive_a_restart",
            "parents_survive_a_restart",
        ],
    }
}

mod store {
    az_core::store_conformance! {
        make: crate::Shared::<crate::MemoryStore>::new,
        skips: [],
    }
}

mod store_admin {
    az_core::store_admin_conformance! {
        make: crate::Shared::<crate::MemoryStore>::new,
        skips: ["a_migration_is_reported_by_the_handle_that_made_it"],
    }
}

mod store_factory {
    az_core::store_factory_conformance! { make: crate::Factory::default, skips: [] }
}

mod state_manager {
    az_core::state_manager_conformance! {
        make: crate::Shared::<crate::MemoryStore>::new,
        skips: ["states_survive_a_restart"],
    }
}

mod config_manager {
    az_core::config_manager_conformance! {
        make: crate::Shared::<crate::MemoryStore>::new,
        skips: ["settings_survive_a_restart"],
    }
}

mod command_log {
    az_core::command_log_conformance! {
        make: crate::Shared::<crate::MemoryStore>::new,
        skips: ["runs_survive_a_restart"],
    }
}

mod hint_queue {
    az_core::hint_queue_conformance! {
        make: crate::Shared::<crate::MemoryStore>::new,
        skips: ["hints_survive_a_restart"],
    }
}

mod log_store {
    az_core::log_store_conformance! {
        make: crate::Shared::<crate::MemoryStore>::new,
        skips: ["records_survive_a_restart"],
    }
}

mod toolbox {
    az_core::toolbox_conformance! { make: crate::Tools::default, skips: [] }
}

mod policy {
    use az_core::policy::WorkspacePolicy;
    use az_core::testing::Shared;

    az_core::policy_conformance! { make: || Shared::of(WorkspacePolicy), skips: [] }

    mod everything {
        use az_core::policy::AllowEverything;
        use az_core::testing::Shared;

        az_core::policy_conformance! { make: || Shared::of(AllowEverything), skips: [] }
    }

    mod fake {
        use az_core::testing::{FakePolicy, Shared};

        az_core::policy_conformance! { make: || Shared::of(FakePolicy::asking("x")), skips: [] }
    }
}

mod approver {
    az_core::approver_conformance! { make: crate::Person::default, skips: [] }

    mod unattended {
        az_core::approver_conformance! {
            make: || crate::NoPerson,
            skips: ["an_answer_is_the_one_that_the_person_gave", "a_dropped_request_does_not_block_the_next"],
        }
    }
}

mod embedder {
    az_core::embedder_conformance! {
        make: crate::Shared::<crate::LetterEmbedder>::new,
        skips: [],
    }
}

/// The factory of stores in memory.
#[derive(Debug, Default)]
struct Factory(MemoryStores);

#[async_trait]
impl Fixture<dyn StoreFactory> for Factory {
    async fn open(&self) -> Arc<dyn StoreFactory> {
        Arc::new(self.0.clone())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }
}

impl StoreFactoryFixture for Factory {
    fn address(&self) -> StoreAddress {
        StoreAddress::new("memory", "one").unwrap()
    }
}

/// A clock that is moved by hand.
#[derive(Debug)]
struct Manual(Arc<ManualClock>);

impl Default for Manual {
    fn default() -> Self {
        Self(Arc::new(ManualClock::at(at(0)).with_boot("boot")))
    }
}

#[async_trait]
impl Fixture<dyn Clock> for Manual {
    async fn open(&self) -> Arc<dyn Clock> {
        Arc::<ManualClock>::clone(&self.0)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE.shared()
    }
}

/// A toolbox with every kind of tool, and an example call of each.
#[derive(Debug)]
struct Tools(FakeToolbox);

impl Default for Tools {
    fn default() -> Self {
        let tool = |name, effect| FakeTool::new(name).with_effect(effect).requiring("text");
        let tools = FakeToolbox::new()
            .with(tool("read", EffectClass::Read))
            .with(tool("put", EffectClass::Idempotent))
            .with(tool("append", EffectClass::Probe))
            .with(tool("run", EffectClass::Unsafe))
            .with(FakeTool::new("fail").answering(ToolOutput::failed("it is closed")))
            .with(FakeTool::new("replace").replacing("f"))
            .with(FakeTool::new("serve").leaving_running("server"))
            .with(FakeTool::new("wait").without_end());
        Self(tools)
    }
}

#[async_trait]
impl Fixture<dyn Toolbox> for Tools {
    async fn open(&self) -> Arc<dyn Toolbox> {
        Arc::new(self.0.clone())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }
}

impl ToolboxFixture for Tools {
    fn examples(&self) -> Vec<Example> {
        let call = |tool: &str, arguments| Invocation::bare(tool, arguments).unwrap();
        let works = ["read", "put", "append", "run"].map(|tool| {
            let call = call(tool, json!({ "text": "hello" }));
            Example::new(call, ExpectedOutcome::Done)
        });
        let mut examples = works.to_vec();
        examples.extend([
            Example::new(call("read", json!({})), ExpectedOutcome::Invalid),
            Example::new(call("put", json!("hello")), ExpectedOutcome::Invalid),
            Example::new(call("fail", json!({})), ExpectedOutcome::Failed),
            Example::new(call("replace", json!({})), ExpectedOutcome::Replaces),
            Example::new(call("serve", json!({})), ExpectedOutcome::Background),
            Example::new(call("wait", json!({})), ExpectedOutcome::Endless),
        ]);
        examples
    }
}

/// A person with scripted answers.
#[derive(Debug, Default)]
struct Person(Mutex<FakeApprover>);

#[async_trait]
impl Fixture<dyn Approver> for Person {
    async fn open(&self) -> Arc<dyn Approver> {
        Arc::new(self.0.lock().unwrap().clone())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }
}

impl ApproverFixture for Person {
    fn answer_with(&self, granted: &[bool]) -> bool {
        *self.0.lock().unwrap() = FakeApprover::new(granted.iter().copied());
        true
    }
}

/// The approver of an engine without one.
#[derive(Debug)]
struct NoPerson;

#[async_trait]
impl Fixture<dyn Approver> for NoPerson {
    async fn open(&self) -> Arc<dyn Approver> {
        Arc::new(Unattended)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }
}

impl ApproverFixture for NoPerson {
    fn answer_with(&self, _granted: &[bool]) -> bool {
        false
    }
}

/// The suites above that check each contract of `MemoryStore`. A suite that is commented out does
/// not compile here.
const CHECKED: &[(&str, &str)] = &[
    ("BudgetKeeper", ledger::COVERS),
    ("CommandLog", command_log::COVERS),
    ("ConfigManager", config_manager::COVERS),
    ("CostTracker", ledger::COVERS),
    ("HintQueue", hint_queue::COVERS),
    ("Journal", journal::COVERS),
    ("LeaseAnchors", lease_anchors::COVERS),
    ("LogStore", log_store::COVERS),
    ("StateManager", state_manager::COVERS),
    ("StoreAdmin", store_admin::COVERS),
    ("TaskQueue", task_queue::COVERS),
    ("TaskRepository", task_repository::COVERS),
];

/// The suites that check anything other than one contract of `MemoryStore`.
const OTHERS: &[&str] = &[
    account::payer_account::COVERS,
    account::run::COVERS,
    account::unbooked::COVERS,
    clock::COVERS,
    store::COVERS,
    store_factory::COVERS,
    toolbox::COVERS,
    policy::COVERS,
    approver::COVERS,
    embedder::COVERS,
];

fn sources(folder: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|end| end == "rs");
    let text = files.filter(is_rust).map(|path| fs::read_to_string(path).unwrap());
    text.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_contract_of_the_memory_store_is_checked() {
    let source = sources("src/memory");
    let contract = |line: &str| {
        let line = line.strip_prefix("impl ")?.strip_suffix(" for MemoryStore {")?;
        Some(line.to_owned())
    };
    let implemented: BTreeSet<_> = source.lines().filter_map(contract).collect();
    let checked: BTreeSet<_> = CHECKED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(implemented, checked);
}

#[test]
fn every_kit_is_run() {
    let source = sources("src/testing");
    let kit = |line: &str| {
        let suite = line.trim().strip_suffix("_conformance;")?;
        let (_, kit) = suite.split_once(", in ")?;
        Some(kit.to_owned())
    };
    let kits: BTreeSet<_> = source.lines().filter_map(kit).collect();
    let of_contracts = CHECKED.iter().map(|(_, kit)| *kit);
    let played = of_contracts.chain(OTHERS.iter().copied());
    let played: BTreeSet<_> = played.map(str::to_owned).collect();
    assert_eq!(kits, played);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contracts_hold_on_several_threads() {
    for _ in 0..20 {
        testing::task_queue(Shared::<MemoryStore>::new).await.assert_passed();
        testing::journal(Shared::<MemoryStore>::new).await.assert_passed();
        testing::ledger(Shared::<MemoryStore>::new).await.assert_passed();
    }
}

#[tokio::test]
async fn a_report_has_a_line_for_each_scenario() {
    let report = testing::store(Shared::<MemoryStore>::new).await;
    let lines: Vec<_> = report.to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), testing::store::SCENARIOS.len());
    assert_eq!(lines.first().expect("a line"), "pass  a_task_under_a_lease_is_not_deleted");
    let report = testing::config_manager(Shared::<MemoryStore>::new).await;
    assert_eq!(report.skipped(), ["settings_survive_a_restart"]);
    let last = "skip  settings_survive_a_restart (needs durable)\n";
    assert!(report.to_string().ends_with(last), "{report}");
}
