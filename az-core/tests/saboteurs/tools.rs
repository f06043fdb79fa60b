//! Saboteurs of tools and of embedders.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use az_core::embed::Embedder;
use az_core::testing::{
    Capabilities, ComesTo, Example, FakeTool, FakeToolbox, Fixture, LetterEmbedder, Shared,
    ToolboxFixture, embedder, toolbox,
};
use az_core::tool::{EffectClass, Invocation, Probed, ToolOutput, ToolSpec, Toolbox};
use az_core::{Error, Result};
use serde_json::{Value, json};

/// What is broken about a toolbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    Nothing,
    Names,
    Order,
    Schema,
    UnknownTools,
    Arguments,
    Success,
    Failure,
    Cancelling,
    Effect,
    Probing,
    Witness,
}

#[derive(Debug, Clone)]
struct BentTools {
    tools: FakeToolbox,
    broken: Broken,
    looks: Arc<AtomicUsize>,
}

impl BentTools {
    fn new(broken: Broken) -> Self {
        let tools = FakeToolbox::new()
            .with(FakeTool::new("read").requiring("text"))
            .with(FakeTool::new("put").with_effect(EffectClass::Idempotent))
            .with(FakeTool::new("fail").answering(ToolOutput::failed("it is closed")))
            .with(FakeTool::new("wait").without_end());
        Self { tools, broken, looks: Arc::default() }
    }

    fn look(&self) -> usize {
        self.looks.fetch_add(1, Ordering::SeqCst)
    }
}

#[async_trait]
impl Toolbox for BentTools {
    fn specs(&self) -> Vec<ToolSpec> {
        let mut specs = self.tools.specs();
        let look = self.look();
        match (self.broken, specs.as_mut_slice()) {
            (Broken::Names, [.., last]) => last.name = "fail!".to_owned(),
            (Broken::Schema, [first, ..]) => first.input_schema = json!({ "type": "string" }),
            (Broken::Order, all) => all.rotate_left(look % 2),
            _ => {}
        }
        specs
    }

    fn effect(&self, call: &Invocation) -> Result<EffectClass> {
        match (self.broken, self.tools.effect(call)) {
            (Broken::UnknownTools, Err(Error::NotFound { .. })) => Ok(EffectClass::Unsafe),
            (Broken::Effect, Ok(_)) => Ok(EffectClass::Unsafe),
            (_, effect) => effect,
        }
    }

    async fn witness(&self, call: &Invocation) -> Result<Option<Value>> {
        let witness = self.tools.witness(call).await?;
        let looks = (self.broken == Broken::Witness).then(|| json!(self.look()));
        Ok(looks.or(witness))
    }

    async fn invoke(&self, call: &Invocation) -> Result<ToolOutput> {
        let mut call = call.clone();
        if self.broken == Broken::Cancelling {
            call.cancel = az_core::CancellationToken::new();
        }
        match (self.broken, self.tools.invoke(&call).await) {
            (Broken::Arguments, Err(Error::Invalid { .. })) => Ok(ToolOutput::failed("what?")),
            (Broken::Success, Ok(output)) => Ok(ToolOutput { ok: false, ..output }),
            (Broken::Failure, Ok(output)) if !output.ok => Err(Error::Internal(output.text)),
            (_, output) => output,
        }
    }

    async fn probe(&self, call: &Invocation, witness: Option<&Value>) -> Result<Probed> {
        match self.broken {
            Broken::Probing => Ok(Probed::DidNotHappen),
            _ => self.tools.probe(call, witness).await,
        }
    }

    async fn abandon(&self, call: &Invocation) -> Result<()> {
        self.tools.abandon(call).await
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
            Example::new(call("read", json!({ "text": "hello" })), ComesTo::Done),
            Example::new(call("put", json!({})), ComesTo::Done),
            Example::new(call("read", json!({})), ComesTo::Invalid),
            Example::new(call("fail", json!({})), ComesTo::Failed),
            Example::new(call("wait", json!({})), ComesTo::Endless),
        ];
        if self.broken == Broken::Names {
            // Its name is not legal, and so it cannot be called either.
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
async fn every_broken_clause_of_a_toolbox_is_seen() {
    check_tools(Broken::Nothing, &[]).await;
    check_tools(Broken::Names, &["names_are_unique_and_well_formed"]).await;
    check_tools(Broken::Order, &["specs_come_in_the_same_order"]).await;
    check_tools(Broken::Schema, &["every_schema_is_of_an_object"]).await;
    check_tools(Broken::UnknownTools, &["an_unknown_tool_is_not_found"]).await;
    check_tools(Broken::Arguments, &["bad_arguments_are_invalid"]).await;
    check_tools(
        Broken::Success,
        &["a_tool_that_works_says_so", "looking_changes_nothing_about_a_call"],
    )
    .await;
    check_tools(Broken::Failure, &["a_tool_that_fails_is_an_output"]).await;
    check_tools(Broken::Cancelling, &["a_cancelled_call_returns_soon"]).await;
    check_tools(Broken::Effect, &["a_call_is_as_mild_as_its_tool"]).await;
    check_tools(Broken::Probing, &["only_a_probe_can_tell_what_happened"]).await;
    check_tools(Broken::Witness, &["looking_changes_nothing_about_a_call"]).await;
}

/// An embedder that does one thing wrong to the vectors of [`LetterEmbedder`].
#[derive(Debug, Clone, Copy)]
struct BentEmbedder {
    name: &'static str,
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

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>> {
        let mut vectors = LetterEmbedder.embed(texts).await?;
        (self.bend)(&mut vectors);
        Ok(vectors)
    }
}

async fn check_embedder(name: &'static str, bend: fn(&mut Vec<Vec<f32>>), expected: &[&str]) {
    let report = embedder(|| Shared::of(BentEmbedder { name, bend })).await;
    assert_eq!(report.failed(), expected, "\n{report}");
}

#[tokio::test]
async fn every_broken_clause_of_an_embedder_is_seen() {
    check_embedder("letters", |_| {}, &[]).await;
    check_embedder("", |_| {}, &["the_model_has_one_name"]).await;
    let invent = |vectors: &mut Vec<Vec<f32>>| {
        if vectors.is_empty() {
            vectors.push(vec![0.0; 26]);
        }
    };
    check_embedder("letters", invent, &["no_text_is_no_vector"]).await;
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
        "vectors_have_the_length_that_was_said",
        "vectors_come_in_the_order_of_the_texts",
        "a_text_has_one_vector_alone_or_among_others",
    ];
    check_embedder("letters", not_a_number, &failed).await;
    let sort = |vectors: &mut Vec<Vec<f32>>| vectors.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let failed =
        ["vectors_come_in_the_order_of_the_texts", "a_text_has_one_vector_alone_or_among_others"];
    check_embedder("letters", sort, &failed).await;
    let scale_by_company = |vectors: &mut Vec<Vec<f32>>| {
        let scale = if vectors.len() > 1 { 0.5 } else { 1.0 };
        vectors.iter_mut().flatten().for_each(|x| *x *= scale);
    };
    let failed = ["a_text_has_one_vector_alone_or_among_others"];
    check_embedder("letters", scale_by_company, &failed).await;
}
