//! Saboteurs of tools, policies, approvers and embedders.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use az_core::Usd;
use az_core::approval::{Approval, Approver, Reply};
use az_core::cost::CostEstimate;
use az_core::embed::{Embedder, Embeddings};
use az_core::policy::{ApprovalTerms, Policy, PolicyDecision, WorkspacePolicy};
use az_core::task::LeaseFence;
use az_core::testing::{
    ApproverFixture, Capabilities, Example, ExpectedOutcome, FakeApprover, FakePolicy, FakeTool,
    FakeToolbox, Fixture, LetterEmbedder, Shared, ToolboxFixture, approver, embedder, policy,
    toolbox,
};
use az_core::tool::{
    BackgroundProcess, EffectClass, Invocation, PreparedCall, Probed, Question, ToolOutput,
    ToolSpec, Toolbox,
};
use az_core::{Error, Result, Task, TaskId};
use serde_json::{Value, json};

/// The fault of a toolbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    Nothing,
    /// Breaks `Toolbox` 1.
    Names,
    /// Breaks `Toolbox` 2.
    Order,
    /// Breaks `Toolbox` 2.
    Sharing,
    /// Breaks `Toolbox` 1.
    Schema,
    /// Breaks `Toolbox` 3.
    UnknownTools,
    /// Breaks `Toolbox` 3.
    Arguments,
    /// Breaks `Toolbox` 5.
    Success,
    /// Breaks `Toolbox` 5.
    Failure,
    /// Breaks `Toolbox` 6.
    Cancelling,
    /// Breaks `Toolbox` 7.
    CutShort,
    /// Breaks `Toolbox` 4.
    Effect,
    /// Breaks `Toolbox` 8.
    Probing,
    /// Breaks `Toolbox` 8.
    Witness,
    /// Breaks `Toolbox` 9.
    Listing,
    /// Breaks `Toolbox` 9.
    Lifetime,
    /// Breaks `Toolbox` 9.
    OtherTasks,
    /// Breaks `Toolbox` 10.
    Fence,
    /// Breaks `Toolbox` 11.
    Views,
}

#[derive(Debug, Clone)]
struct BentTools {
    tools: FakeToolbox,
    broken: Broken,
    looks: Arc<AtomicUsize>,
    bent: Arc<OnceLock<Arc<[ToolSpec]>>>,
}

impl BentTools {
    fn new(broken: Broken) -> Self {
        let tools = FakeToolbox::new()
            .with(FakeTool::new("read").requiring("text"))
            .with(FakeTool::new("put").with_effect(EffectClass::Idempotent))
            .with(FakeTool::new("fail").answering(ToolOutput::failed("it is closed")))
            .with(FakeTool::new("replace").replacing("f"))
            .with(FakeTool::new("serve").leaving_running("server"))
            .with(FakeTool::new("wait").without_end());
        Self { tools, broken, looks: Arc::default(), bent: Arc::default() }
    }

    fn look(&self) -> usize {
        self.looks.fetch_add(1, Ordering::SeqCst)
    }

    /// Returns specs of which the last is changed, created once and shared from then on.
    fn bent(&self, change: fn(&mut ToolSpec)) -> Arc<[ToolSpec]> {
        let specs = self.bent.get_or_init(|| {
            let mut specs = self.tools.specs().to_vec();
            specs.last_mut().into_iter().for_each(change);
            specs.into()
        });
        Arc::clone(specs)
    }
}

#[async_trait]
impl Toolbox for BentTools {
    fn specs(&self) -> Arc<[ToolSpec]> {
        let specs = self.tools.specs();
        match self.broken {
            Broken::Names => self.bent(|spec| spec.name = "wait!".to_owned()),
            Broken::Schema => {
                self.bent(|spec| spec.input_schema = Arc::new(json!({ "type": "string" })))
            }
            Broken::Order => {
                let mut specs = specs.to_vec();
                specs.rotate_left(self.look() % 2);
                specs.into()
            }
            Broken::Sharing => specs.iter().cloned().collect(),
            _ => specs,
        }
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        match (self.broken, self.tools.prepare(call.clone())) {
            (Broken::UnknownTools, Err(Error::NotFound { .. }))
            | (Broken::Arguments, Err(Error::Invalid { .. })) => {
                Ok(PreparedCall::new(call, EffectClass::Read))
            }
            (Broken::Effect, Ok(_)) => Ok(PreparedCall::new(call, EffectClass::Unsafe)),
            (_, prepared) => prepared,
        }
    }

    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>> {
        let witness = self.tools.witness(call).await?;
        let looks = (self.broken == Broken::Witness).then(|| json!(self.look()));
        Ok(looks.or(witness))
    }

    async fn invoke(&self, mut call: PreparedCall) -> Result<ToolOutput> {
        if self.broken == Broken::Fence {
            call.invocation.lease = LeaseFence::default();
        }
        if self.broken == Broken::Views {
            call.invocation.seen = None;
        }
        if self.broken == Broken::Cancelling {
            call.invocation.cancel = az_core::CancellationToken::new();
        }
        match (self.broken, self.tools.invoke(call).await) {
            (Broken::Success, Ok(output)) => Ok(output.with_ok(false)),
            (Broken::Failure, Ok(output)) if !output.ok && !output.unknown => {
                Err(Error::Internal(output.text().into_owned()))
            }
            (Broken::CutShort, Ok(output)) => Ok(output.with_unknown(false)),
            (_, output) => output,
        }
    }

    async fn probe(&self, call: &PreparedCall, witness: Option<&Value>) -> Result<Probed> {
        match self.broken {
            Broken::Probing => Ok(Probed::DidNotHappen),
            _ => self.tools.probe(call, witness).await,
        }
    }

    async fn abandon(&self, call: &PreparedCall) -> Result<()> {
        self.tools.abandon(call).await
    }

    async fn background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        match self.broken {
            Broken::Listing => Ok(Vec::new()),
            _ => self.tools.background(task).await,
        }
    }

    async fn end_background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        let related = task.as_str().strip_suffix(":other").unwrap_or(task.as_str());
        match self.broken {
            Broken::Lifetime => self.tools.background(task).await,
            Broken::OtherTasks => self.tools.end_background(&TaskId::new(related)?).await,
            _ => self.tools.end_background(task).await,
        }
    }
}

#[async_trait]
impl Fixture<dyn Toolbox> for BentTools {
    async fn open(&self) -> Arc<dyn Toolbox> {
        Arc::new(self.clone())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }
}

impl ToolboxFixture for BentTools {
    fn examples(&self) -> Vec<Example> {
        let call = |tool: &str, arguments| Invocation::bare(tool, arguments).unwrap();
        let mut examples = vec![
            Example::new(call("read", json!({ "text": "hello" })), ExpectedOutcome::Done),
            Example::new(call("put", json!({})), ExpectedOutcome::Done),
            Example::new(call("read", json!({})), ExpectedOutcome::Invalid),
            Example::new(call("fail", json!({})), ExpectedOutcome::Failed),
            Example::new(call("replace", json!({})), ExpectedOutcome::Replaces),
            Example::new(call("serve", json!({})), ExpectedOutcome::Background),
            Example::new(call("wait", json!({})), ExpectedOutcome::Endless),
        ];
        if self.broken == Broken::Names {
            // Its name is invalid, so it cannot be called either.
            examples.retain(|example| example.call.tool != "wait");
        }
        examples
    }
}

async fn check_tools(broken: Broken, expected: &[&str]) {
    let report = toolbox(|| BentTools::new(broken)).await;
    assert_eq!(report.failed(), expected, "{broken:?}\n{report}");
}

#[tokio::test(start_paused = true)]
async fn every_broken_clause_of_a_toolbox_is_detected() {
    check_tools(Broken::Nothing, &[]).await;
    check_tools(Broken::Names, &["names_are_unique_and_well_formed"]).await;
    let failed = ["specs_are_in_a_stable_order", "specs_are_shared_and_not_copied"];
    check_tools(Broken::Order, &failed).await;
    check_tools(Broken::Sharing, &["specs_are_shared_and_not_copied"]).await;
    check_tools(Broken::Schema, &["every_schema_is_of_an_object"]).await;
    check_tools(Broken::UnknownTools, &["an_unknown_tool_is_not_found"]).await;
    check_tools(Broken::Arguments, &["bad_arguments_are_invalid"]).await;
    check_tools(
        Broken::Success,
        &[
            "a_successful_call_returns_an_ok_output",
            "witness_and_probe_change_nothing",
            "a_model_replaces_nothing_that_it_has_not_seen",
        ],
    )
    .await;
    let failed = [
        "a_failed_call_returns_an_output_that_is_not_ok",
        "a_model_replaces_nothing_that_it_has_not_seen",
    ];
    check_tools(Broken::Failure, &failed).await;
    check_tools(Broken::Cancelling, &["a_cancelled_call_returns_soon"]).await;
    check_tools(Broken::CutShort, &["a_cancelled_call_is_unknown"]).await;
    let failed = [
        "a_call_is_at_most_as_severe_as_its_tool",
        "a_call_under_an_expired_lease_changes_nothing",
    ];
    check_tools(Broken::Effect, &failed).await;
    check_tools(Broken::Probing, &["probing_a_call_of_another_class_returns_unknown"]).await;
    check_tools(Broken::Fence, &["a_call_under_an_expired_lease_changes_nothing"]).await;
    check_tools(Broken::Views, &["a_model_replaces_nothing_that_it_has_not_seen"]).await;
    check_tools(Broken::Witness, &["witness_and_probe_change_nothing"]).await;
    for broken in [Broken::Listing, Broken::Lifetime, Broken::OtherTasks] {
        check_tools(broken, &["background_processes_live_until_their_task_ends"]).await;
    }
}

/// A policy that breaks one clause.
#[derive(Debug, Clone)]
enum BentPolicy {
    /// Breaks `Policy` 1. Allows every second call.
    Moody(Arc<AtomicUsize>),
    /// Breaks `Policy` 2. Asks without a reason.
    Silent,
    /// Breaks `Policy` 3. Asks about tools that the task allows, too.
    Deaf,
}

impl Policy for BentPolicy {
    fn evaluate(&self, task: &Task, tool: &ToolSpec, call: &PreparedCall) -> PolicyDecision {
        match self {
            Self::Moody(calls) if calls.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) => {
                PolicyDecision::Allow
            }
            Self::Moody(_) => PolicyDecision::Deny { reason: "not now".to_owned() },
            Self::Silent => FakePolicy::asking(" ").evaluate(task, tool, call),
            Self::Deaf => PolicyDecision::ask("always"),
        }
    }
}

async fn check_policy<P: Policy + Clone>(made: P, expected: &[&str]) {
    let report = policy(|| Shared::of(made.clone())).await;
    assert_eq!(report.failed(), expected, "\n{report}");
}

#[tokio::test]
async fn every_broken_clause_of_a_policy_is_detected() {
    check_policy(WorkspacePolicy, &[]).await;
    let moody = BentPolicy::Moody(Arc::default());
    check_policy(moody, &["the_same_call_gets_the_same_decision"]).await;
    check_policy(BentPolicy::Silent, &["ask_and_deny_have_a_reason"]).await;
    check_policy(BentPolicy::Deaf, &["a_tool_that_the_task_allows_needs_no_approval"]).await;
}

/// The fault of an approver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BentAnswer {
    Nothing,
    /// Breaks `Approver` 1.
    Reversed,
    /// Breaks `Approver` 1.
    Anonymous,
    /// Breaks `Approver` 2.
    GrantedByItself,
    /// Breaks `Approver` 3.
    BlockedByDropped,
    /// Breaks `Approver` 4.
    AnsweredByItself,
}

#[derive(Debug, Clone)]
struct BentApprover {
    person: Arc<Mutex<FakeApprover>>,
    broken: BentAnswer,
    asking: Arc<AtomicUsize>,
}

#[async_trait]
impl Approver for BentApprover {
    async fn ask(
        &self,
        task: &Task,
        call: &PreparedCall,
        terms: &ApprovalTerms,
    ) -> Result<Approval> {
        if self.asking.fetch_add(1, Ordering::SeqCst) > 0
            && self.broken == BentAnswer::BlockedByDropped
        {
            return Ok(Approval::Unattended);
        }
        tokio::task::yield_now().await;
        let person = self.person.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = person.ask(task, call, terms).await?;
        self.asking.store(0, Ordering::SeqCst);
        Ok(match (self.broken, answer) {
            (BentAnswer::Reversed, Approval::Granted { by, .. }) => Approval::Denied { by },
            (BentAnswer::Reversed, Approval::Denied { by }) => Approval::granted(by),
            (BentAnswer::Anonymous, Approval::Denied { .. }) => {
                Approval::Denied { by: String::new() }
            }
            (BentAnswer::GrantedByItself, Approval::Unattended) => Approval::granted("default"),
            (_, answer) => answer,
        })
    }

    async fn answer(&self, _: &Task, _: &PreparedCall, _: &Question) -> Result<Reply> {
        Ok(match self.broken {
            BentAnswer::AnsweredByItself => {
                Reply::Text { by: "default".to_owned(), text: "left".to_owned() }
            }
            _ => Reply::Unattended,
        })
    }
}

#[async_trait]
impl Fixture<dyn Approver> for BentApprover {
    async fn open(&self) -> Arc<dyn Approver> {
        Arc::new(self.clone())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }
}

impl ApproverFixture for BentApprover {
    fn answer_with(&self, granted: &[bool]) -> bool {
        let person = FakeApprover::new(granted.iter().copied());
        *self.person.lock().unwrap_or_else(PoisonError::into_inner) = person;
        true
    }
}

async fn check_approver(broken: BentAnswer, expected: &[&str]) {
    let person = Arc::<Mutex<FakeApprover>>::default;
    let report =
        approver(|| BentApprover { person: person(), broken, asking: Arc::default() }).await;
    assert_eq!(report.failed(), expected, "{broken:?}\n{report}");
}

#[tokio::test]
async fn every_broken_clause_of_an_approver_is_detected() {
    check_approver(BentAnswer::Nothing, &[]).await;
    let own = "an_answer_is_the_one_that_the_person_gave";
    let next = "a_dropped_request_does_not_block_the_next";
    check_approver(BentAnswer::Reversed, &[own, next]).await;
    check_approver(BentAnswer::Anonymous, &[own]).await;
    let failed = ["without_a_person_nothing_is_granted"];
    check_approver(BentAnswer::GrantedByItself, &failed).await;
    check_approver(BentAnswer::BlockedByDropped, &[next]).await;
    let failed = ["without_a_person_no_question_is_answered"];
    check_approver(BentAnswer::AnsweredByItself, &failed).await;
}

/// An embedder with one fault in the vectors of [`LetterEmbedder`].
#[derive(Debug, Clone, Copy)]
struct BentEmbedder {
    name: &'static str,
    cost: Option<Usd>,
    bend: fn(&mut Vec<Vec<f32>>),
}

#[async_trait]
impl Embedder for BentEmbedder {
    fn model(&self) -> &str {
        self.name
    }

    fn dimensions(&self) -> usize {
        LetterEmbedder.dimensions()
    }

    fn estimate_cost(&self, texts: &[String]) -> CostEstimate {
        LetterEmbedder.estimate_cost(texts)
    }

    async fn embed(&self, texts: &[String]) -> Result<Embeddings> {
        let mut made = LetterEmbedder.embed(texts).await?;
        (self.bend)(&mut made.vectors);
        made.charge.cost = self.cost;
        Ok(made)
    }
}

async fn check_embedder(name: &'static str, bend: fn(&mut Vec<Vec<f32>>), expected: &[&str]) {
    let cost = Some(Usd::ZERO);
    let report = embedder(|| Shared::of(BentEmbedder { name, cost, bend })).await;
    assert_eq!(report.failed(), expected, "\n{report}");
}

/// Breaks `Embedder` 5.
#[tokio::test]
async fn a_charge_above_the_estimate_or_without_a_price_is_detected() {
    for cost in [Some(Usd::from_nanos(1)), None] {
        let bent = BentEmbedder { name: "letters", cost, bend: |_| {} };
        let report = embedder(|| Shared::of(bent)).await;
        assert_eq!(report.failed(), ["the_charge_is_at_most_the_estimated_cost"], "\n{report}");
    }
}

/// Breaks `Embedder` 6. Its estimates of one request differ.
#[derive(Debug, Clone, Default)]
struct ChangingEstimates(Arc<AtomicUsize>);

#[async_trait]
impl Embedder for ChangingEstimates {
    fn model(&self) -> &str {
        LetterEmbedder.model()
    }

    fn dimensions(&self) -> usize {
        LetterEmbedder.dimensions()
    }

    fn estimate_cost(&self, texts: &[String]) -> CostEstimate {
        let before = u64::try_from(self.0.fetch_add(1, Ordering::SeqCst)).unwrap();
        CostEstimate::new(
            Some(Usd::ZERO),
            before + LetterEmbedder.estimate_cost(texts).input_tokens,
        )
    }

    async fn embed(&self, texts: &[String]) -> Result<Embeddings> {
        LetterEmbedder.embed(texts).await
    }
}

#[tokio::test]
async fn estimates_that_differ_are_detected() {
    let report = embedder(|| Shared::of(ChangingEstimates::default())).await;
    assert_eq!(report.failed(), ["the_charge_is_at_most_the_estimated_cost"], "\n{report}");
}

/// Breaks `Embedder` 1, 2, 3 and 4.
#[tokio::test]
async fn every_broken_clause_of_an_embedder_is_detected() {
    check_embedder("letters", |_| {}, &[]).await;
    check_embedder("", |_| {}, &["the_model_has_a_stable_name"]).await;
    let invent = |vectors: &mut Vec<Vec<f32>>| {
        if vectors.is_empty() {
            vectors.push(vec![0.0; 26]);
        }
    };
    check_embedder("letters", invent, &["no_texts_give_no_vectors"]).await;
    let drop_the_last = |vectors: &mut Vec<Vec<f32>>| {
        if vectors.len() == 2 {
            vectors.pop();
        }
    };
    check_embedder("letters", drop_the_last, &["every_text_gets_a_vector"]).await;
    let not_a_number = |vectors: &mut Vec<Vec<f32>>| {
        if let [_, _, _, empty, _] = vectors.as_mut_slice() {
            empty.push(0.0);
        }
    };
    let failed = [
        "vectors_have_the_declared_dimensions",
        "vectors_come_in_the_order_of_the_texts",
        "a_text_has_the_same_vector_alone_and_among_others",
    ];
    check_embedder("letters", not_a_number, &failed).await;
    let sort = |vectors: &mut Vec<Vec<f32>>| vectors.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let failed = [
        "vectors_come_in_the_order_of_the_texts",
        "a_text_has_the_same_vector_alone_and_among_others",
    ];
    check_embedder("letters", sort, &failed).await;
    let scale_by_company = |vectors: &mut Vec<Vec<f32>>| {
        let scale = if vectors.len() > 1 { 0.5 } else { 1.0 };
        vectors.iter_mut().flatten().for_each(|x| *x *= scale);
    };
    let failed = ["a_text_has_the_same_vector_alone_and_among_others"];
    check_embedder("letters", scale_by_company, &failed).await;
}
