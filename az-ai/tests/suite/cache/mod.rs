//! The share of input that is read from the caches of providers.
//!
//! Simulators of the caches bill the request bodies that the wires produce. They are strict: a prefix is
//! found only if it is equal block by block, is as long as the provider requires, was marked where the
//! provider reads marks, and has not expired.

mod anthropic;
mod block;
mod client;
mod document;
mod implicit;
mod openai;
mod provider;
mod run;

use std::sync::Arc;

use az_ai::client::LlmClient;
use az_ai::config::RoutingRule;
use az_ai::provider::anthropic::Anthropic as AnthropicWire;
use az_ai::provider::gemini::Gemini as GeminiWire;
use az_ai::provider::openai::{Dialect, OpenAi as OpenAiWire};
use az_ai::provider::wire::Wire;
use az_ai::resolver::Models;
use az_ai::routing::RuleRouter;
use az_core::Clock;
use az_core::clock::{ManualClock, SystemClock};
use az_core::journal::ModelReply;
use serde_json::json;

use client::{Billed, CacheClient, Kill};
use provider::{Cache, Prices};
use run::{Sums, Work, ideal};

type Script = fn(usize) -> ModelReply;

/// A simulated provider.
struct Simulated {
    name: (&'static str, &'static str),
    wire: fn() -> Box<dyn Wire>,
    cache: fn() -> Box<dyn Cache>,
    prices: Prices,
}

const ANTHROPIC: Simulated = Simulated {
    name: ("anthropic", "claude-sonnet-5"),
    wire: || Box::new(AnthropicWire),
    cache: || Box::new(anthropic::Anthropic::new(1_024)),
    prices: Prices::WRITES,
};

const ALL: &[Simulated] = &[
    ANTHROPIC,
    Simulated {
        name: ("openai", "gpt-5.6"),
        wire: || Box::new(OpenAiWire::new(Dialect::OPENAI)),
        cache: || Box::new(openai::OpenAi::default()),
        prices: Prices::WRITES,
    },
    Simulated {
        name: ("openai", "gpt-5.1"),
        wire: || Box::new(OpenAiWire::new(Dialect::OPENAI)),
        cache: || Box::new(implicit::Implicit::older_openai()),
        prices: Prices::FREE_WRITES,
    },
    Simulated {
        name: ("gemini", "gemini-3.8-flash"),
        wire: || Box::new(GeminiWire),
        cache: || Box::new(implicit::Implicit::gemini()),
        prices: Prices::FREE_WRITES,
    },
    Simulated {
        name: ("deepseek", "deepseek-v4-flash"),
        wire: || Box::new(OpenAiWire::new(Dialect::DEEPSEEK)),
        cache: || Box::new(implicit::Implicit::deepseek()),
        prices: Prices::FREE_WRITES,
    },
    Simulated {
        name: ("xai", "grok-4.7"),
        wire: || Box::new(OpenAiWire::new(Dialect::XAI)),
        cache: || Box::new(implicit::Implicit::xai()),
        prices: Prices::FREE_WRITES,
    },
];

impl Simulated {
    fn client(&self, script: Script) -> CacheClient {
        CacheClient::new(self.name, (self.wire)(), (self.cache)(), script)
    }

    /// Checks the share of a bill, in percent, and its cost against the cost of an ideal cache; returns both
    /// in percent.
    fn check(&self, what: &str, bill: &[Billed], ideal: u64, least: u64) -> (u64, u64) {
        let sums = Sums::of(bill, self.prices);
        let (provider, model) = self.name;
        let share = sums.share();
        let cost = sums.cost * 100 / ideal;
        println!(
            "{what}: {model} of {provider}: {} requests, {} summaries, {}.{} % read, {cost} % of \
             the ideal cost",
            sums.requests,
            sums.summaries,
            share / 10,
            share % 10,
        );
        assert!(share >= least * 10, "{what}: {provider}: {share} of 1,000 tokens were read");
        assert!(cost <= 110, "{what}: {provider}: {cost} % of the ideal cost");
        (share / 10, cost)
    }
}

/// Checks that the guide has these shares and costs, as ranges.
fn hold(task: &str, measured: &[(u64, u64)]) {
    let range = |of: fn(&(u64, u64)) -> u64| {
        let all = || measured.iter().map(of);
        match (all().min().unwrap(), all().max().unwrap()) {
            (least, most) if least == most => format!("{least} %"),
            (least, most) => format!("{least} to {most} %"),
        }
    };
    document::hold_row(task, &format!("{} | {}", range(|of| of.0), range(|of| of.1)));
}

fn call(tool: &str, n: usize) -> ModelReply {
    ModelReply::text(format!("I look at number {n}."))
        .with_call(tool, json!({"path": format!("src/module_{n}/file_{n}.rs")}))
}

/// 120 reads of 7 KB.
fn reads(turn: usize) -> ModelReply {
    if turn < 120 { call("filesystem.read", turn) } else { ModelReply::text("done") }
}

/// 40 steps with 15 calls.
fn parallel(turn: usize) -> ModelReply {
    if turn >= 40 {
        return ModelReply::text("done");
    }
    (1..15).fold(call("filesystem.list", turn * 15), |reply, n| {
        reply.with_call("filesystem.list", json!({"path": format!("src/{turn}/{n}")}))
    })
}

/// 60 small calls.
fn steps(turn: usize) -> ModelReply {
    if turn < 60 { call("shell.execute", turn) } else { ModelReply::text("done") }
}

/// 150 turns with much text, which no cut makes shorter.
fn talk(turn: usize) -> ModelReply {
    let reply = if turn < 150 { call("shell.execute", turn) } else { ModelReply::text("done") };
    ModelReply { text: format!("{turn}: {}", "I think about it. ".repeat(440)), ..reply }
}

/// Returns the bill of a task in a window without limits, in which nothing is ever cut. It is that of a
/// conversation that is only appended to.
async fn endless(script: Script) -> Vec<Billed> {
    let client = ANTHROPIC.client(script).with_window(100_000_000);
    Work::new(&client).finish().await;
    client.bill()
}

/// (a)
#[tokio::test]
async fn a_long_run_of_reads_is_read_from_the_cache() {
    let endless = endless(reads).await;
    let mut measured = Vec::new();
    for simulated in ALL {
        let client = simulated.client(reads);
        let work = Work::new(&client);
        work.finish().await;
        assert_eq!(work.prefix_changes().await, []);
        measured.push(simulated.check(
            "(a)",
            &client.bill(),
            ideal(&endless, simulated.prices),
            95,
        ));

        let cuts = work.cuts().await;
        assert!((1..=4).contains(&cuts.len()), "{cuts:?}");
        for cut in cuts {
            assert!(cut.tokens_after * 100 >= 200_000 * 40, "too much was cut: {cut:?}");
            assert!(cut.tokens_after * 100 <= 200_000 * 50, "too little was cut: {cut:?}");
        }
        let most = client.bill().into_iter().map(|billed| billed.estimated).max();
        assert!(most <= Some(160_000), "{most:?} tokens");
    }
    hold("(a) 120 reads of 7 KB in a window of 200,000 tokens", &measured);
}

/// (b)
#[tokio::test]
async fn parallel_calls_are_read_from_the_cache() {
    let mut measured = Vec::new();
    for simulated in ALL {
        let client = simulated.client(parallel);
        let work = Work::new(&client);
        work.finish().await;
        assert_eq!(work.prefix_changes().await, []);
        let bill = client.bill();
        measured.push(simulated.check("(b)", &bill, ideal(&bill, simulated.prices), 95));
    }
    hold("(b) 40 steps with 15 calls each", &measured);
}

/// (c)
#[tokio::test]
async fn a_task_that_is_killed_at_five_places_is_read_from_the_cache() {
    let mut measured = Vec::new();
    for simulated in ALL {
        let client = simulated.client(steps);
        let work = Work::new(&client);
        for turn in [1, 7, 20, 35, 50] {
            let kill = if turn % 2 == 0 { Kill::BeforeSending } else { Kill::AfterSending };
            work.kill_at(&client, turn, kill).await;
        }
        work.finish().await;
        assert_eq!(work.prefix_changes().await, []);
        let bill = client.bill();
        measured.push(simulated.check("(c)", &bill, ideal(&bill, simulated.prices), 95));
    }
    hold("(c) killed at five places and resumed", &measured);
}

/// (d)
#[tokio::test]
async fn a_task_that_newer_versions_resume_is_read_from_the_cache() {
    let mut measured = Vec::new();
    for simulated in ALL {
        let client = simulated.client(steps);
        let mut work = Work::new(&client);
        for turn in [5, 19, 31] {
            work.kill_at(&client, turn, Kill::AfterSending).await;
            work = work.newer();
        }
        work.finish().await;
        assert_eq!(work.prefix_changes().await, []);
        let bill = client.bill();
        measured.push(simulated.check("(d)", &bill, ideal(&bill, simulated.prices), 95));
    }
    hold("(d) resumed three times by versions with another prompt", &measured);
}

/// (e)
#[tokio::test]
async fn a_task_whose_tools_change_is_read_from_the_cache() {
    let mut measured = Vec::new();
    for simulated in ALL {
        let client = simulated.client(steps);
        let mut work = Work::new(&client);
        for (turn, tool) in [(5, "a.first"), (19, "m.second"), (31, "z.third")] {
            work.kill_at(&client, turn, Kill::AfterSending).await;
            work = work.reordered().with_another_tool(tool);
        }
        work.finish().await;
        assert_eq!(work.prefix_changes().await, []);
        let bill = client.bill();
        measured.push(simulated.check("(e)", &bill, ideal(&bill, simulated.prices), 95));
    }
    hold("(e) resumed with other tools in another order", &measured);
}

/// (f) The task falls back to another provider, and later back, twice.
#[tokio::test(start_paused = true)]
async fn a_task_that_falls_back_is_read_from_the_caches() {
    let endless = endless(reads).await;
    let mut measured = Vec::new();
    for simulated in ALL {
        let clock = Arc::new(ManualClock::at(SystemClock.now()).with_boot("boot"));
        let first = simulated.client(reads).with_clock(Arc::clone(&clock)).with_outages([30, 50]);
        let second = ANTHROPIC.client(reads).with_clock(Arc::clone(&clock));
        let models = Models::new("first", Arc::new(first.clone()), first.model());
        let fallback: Arc<dyn LlmClient> = Arc::new(second.clone());
        let models = Arc::new(models.with("second", fallback, second.model()));
        let names = ["first", "second"].map(str::to_owned).to_vec();
        let router = RuleRouter::new(models, names, "first", clock);
        let rules = [("tokens > 0", "first"), ("fallback", "second")];
        let rules = rules.map(|(condition, name)| RoutingRule::new(condition, name)).to_vec();
        let work = Work::with_models(Arc::new(router.with_rules(rules).unwrap()));
        work.finish().await;
        assert_eq!(work.prefix_changes().await, []);
        let bill: Vec<_> = first.bill().into_iter().chain(second.bill()).collect();
        assert!(!second.bill().is_empty(), "there was no fallback");
        assert!(first.bill().len() > 100, "the task did not go back");
        measured.push(simulated.check("(f)", &bill, ideal(&endless, simulated.prices), 90));
    }
    hold("(f) two outages: a fallback to another provider, and back", &measured);
}

/// (g)
#[tokio::test]
async fn a_task_with_two_summaries_is_read_from_the_cache() {
    let endless = endless(talk).await;
    let mut measured = Vec::new();
    for simulated in ALL {
        let client = simulated.client(talk);
        let work = Work::new(&client);
        work.finish().await;
        assert_eq!(work.prefix_changes().await, []);
        let bill = client.bill();
        assert_eq!(bill.iter().filter(|billed| billed.is_summary).count(), 2);
        measured.push(simulated.check("(g)", &bill, ideal(&endless, simulated.prices), 90));
    }
    hold("(g) two summaries", &measured);
}
