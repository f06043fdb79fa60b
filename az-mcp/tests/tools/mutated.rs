//! Arguments that were changed at random: each is refused with the place of the problem, and no tool runs.
#![expect(clippy::indexing_slicing, reason = "a failed test is the right outcome")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use az_core::tool::{Invocation, PreparedCall, Probed, ToolOutput, ToolSpec, Toolbox};
use az_core::{Error, Result};
use az_mcp::{McpTool, Tool, ToolRegistry};
use serde_json::{Map, Value, json};

use crate::support::Bench;

/// A built-in tool whose calls are counted and not made.
#[derive(Debug)]
struct Counted {
    spec: ToolSpec,
    info: McpTool,
    bench: Arc<Bench>,
    calls: Arc<AtomicUsize>,
}

#[async_trait]
impl Tool for Counted {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn info(&self) -> &McpTool {
        &self.info
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        self.bench.tools.prepare(call)
    }

    async fn witness(&self, _call: &PreparedCall) -> Result<Option<Value>> {
        Ok(None)
    }

    async fn invoke(&self, _call: PreparedCall) -> Result<ToolOutput> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(ToolOutput::done("ran"))
    }

    async fn probe(&self, _call: &PreparedCall, _witness: Option<&Value>) -> Result<Probed> {
        Ok(Probed::Unknown)
    }

    async fn abandon(&self, _call: &PreparedCall) -> Result<()> {
        Ok(())
    }
}

/// A generator of numbers that are the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }
}

/// Values, with the types of JSON Schema that they have.
fn values() -> Vec<(Value, &'static [&'static str])> {
    vec![
        (json!(true), &["boolean"]),
        (json!(5), &["integer", "number"]),
        (json!(-0.5), &["number"]),
        (json!(1e300), &["number", "integer"]),
        (json!("words"), &["string"]),
        (json!("\u{0}\u{202e}"), &["string"]),
        (json!([]), &["array"]),
        (json!([[[[{"a": 1}]]]]), &["array"]),
        (json!({}), &["object"]),
        (json!({"a": {"b": [1]}}), &["object"]),
    ]
}

/// Makes valid arguments invalid in one way; returns the place of the problem.
fn mutate(spec: &ToolSpec, valid: &Value, numbers: &mut Numbers) -> (Value, String) {
    let properties = spec.input_schema["properties"].as_object().unwrap();
    let names: Vec<&String> = properties.keys().collect();
    let required = spec.input_schema.get("required").and_then(Value::as_array);
    let mut arguments = valid.as_object().unwrap().clone();
    let other = |numbers: &mut Numbers, of: &[&str]| {
        let values: Vec<_> = values()
            .into_iter()
            .filter(|(_, types)| !types.iter().any(|t| of.contains(t)))
            .collect();
        values[numbers.below(values.len())].0.clone()
    };
    match (numbers.below(5), required) {
        (0, Some(required)) => {
            let name = required[numbers.below(required.len())].as_str().unwrap();
            arguments.remove(name);
            (arguments.into(), format!("arguments.{name}: is missing"))
        }
        (1, _) => {
            let name = format!("{}{}", names[numbers.below(names.len())], numbers.below(1000));
            arguments.insert(name.clone(), other(numbers, &[]));
            (arguments.into(), format!("arguments.{name}: is unknown"))
        }
        (2, _) => {
            let whole = other(numbers, &["object", "string"]);
            (whole, "arguments: must be an object".to_owned())
        }
        (3, Some(_)) => (Map::new().into(), "is missing".to_owned()),
        _ => {
            let name = names[numbers.below(names.len())];
            let kind = properties[name]["type"].as_str().unwrap();
            let kinds: &[&str] = if kind == "integer" { &["integer"] } else { &[kind] };
            arguments.insert(name.clone(), other(numbers, kinds));
            (arguments.into(), format!("arguments.{name}"))
        }
    }
}

#[tokio::test]
async fn a_thousand_mutated_arguments_are_refused_with_their_place_and_run_nothing() {
    let bench = Arc::new(Bench::new());
    let calls = Arc::new(AtomicUsize::new(0));
    let mut tools = ToolRegistry::new();
    for spec in bench.tools.specs().iter() {
        let info = bench.tools.tool_info(&spec.name).unwrap();
        let counted = Counted {
            spec: spec.clone(),
            info,
            bench: Arc::clone(&bench),
            calls: Arc::clone(&calls),
        };
        tools.register(Arc::new(counted)).unwrap();
    }
    let mut numbers = Numbers(11);
    for round in 0..1_000 {
        let specs = tools.specs();
        let spec = &specs[round % specs.len()];
        let valid = bench.tools.example(&spec.name).unwrap();
        let (arguments, place) = mutate(spec, &valid, &mut numbers);
        let call = bench.call(&spec.name, arguments.clone());
        match tools.call(call).await {
            Err(error @ Error::Invalid { .. }) => {
                let text = error.to_string();
                assert!(
                    text.contains(&place),
                    "{} {arguments}: {text}; expected {place}",
                    spec.name
                );
                assert!(text.len() < 2_000, "{text}");
            }
            other => panic!("{} {arguments}: {other:?}", spec.name),
        }
    }
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    // Arguments that were not changed do run.
    for spec in tools.specs().iter() {
        let valid = bench.tools.example(&spec.name).unwrap();
        tools.call(bench.call(&spec.name, valid)).await.unwrap();
    }
    assert_eq!(calls.load(Ordering::Relaxed), tools.specs().len());
}
