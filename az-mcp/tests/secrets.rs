//! Known secrets: what is masked, and which calls are refused.
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]

use std::sync::Arc;

use async_trait::async_trait;
use az_core::secret::MASK;
use az_core::testing::toolbox::{Example, ExpectedOutcome, ToolboxFixture};
use az_core::testing::{Capabilities, FakeTool, FakeToolbox, Fixture};
use az_core::tool::{Invocation, SeenFile, ToolOutput, Toolbox, progress_channel};
use az_mcp::secrets::{KnownSecrets, RedactingToolbox, SecretFilter};
use az_mcp::{ToolRegistry, TypedTool};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;
use serde_json::{Value, json};

const KEY: &str = "sk-0/1+2~3 4\"5\\6üx";

fn known() -> KnownSecrets {
    KnownSecrets::new([KEY, "another-secret", "short"]).unwrap()
}

#[test]
fn a_secret_is_masked_in_each_of_its_forms() {
    let hex: String = KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
    for (form, whole) in [
        (KEY.to_owned(), true),
        ("sk-0%2F1%2B2~3%204%225%5C6%C3%BCx".to_owned(), true),
        ("sk-0%2f1%2b2~3%204%225%5c6%c3%bcx".to_owned(), true),
        ("sk-0%2F1%2B2%7E3+4%225%5C6%C3%BCx".to_owned(), true),
        (hex.to_ascii_uppercase(), true),
        (hex, true),
        (Value::from(KEY).to_string().trim_matches('"').to_owned(), true),
        (r#"sk-0/1+2~3 4\"5\\6\u00fcx"#.to_owned(), true),
        (r#"sk-0\/1+2~3 4\"5\\6\u00FCx"#.to_owned(), true),
        (KEY.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(), true),
        (KEY.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect(), true),
        (STANDARD.encode(KEY), false),
        (URL_SAFE.encode(KEY), false),
        (STANDARD.encode(format!("user:{KEY}")), false),
        (STANDARD.encode(format!("{{\"key\":\"{KEY}\"}}")), false),
    ] {
        let masked = known().redact(&format!("a {form} b")).into_owned();
        match whole {
            true => assert_eq!(masked, format!("a {MASK} b"), "{form}"),
            false => assert!(masked.contains(MASK), "{form}: {masked}"),
        }
    }
    assert_eq!(known().redact("a short text, another-secre"), "a short text, another-secre");
    assert_eq!(known().redact("another-secretanother-secret"), format!("{MASK}{MASK}"));
}

proptest! {
    /// Of what is left of an encoded text, no more than the ends can be decoded.
    #[test]
    fn base64_hides_a_secret_wherever_it_begins(
        secret in "[!-~]{12,40}", before in "[ -~]{0,9}", after in "[ -~]{0,9}",
    ) {
        let known = KnownSecrets::new([&secret]).unwrap();
        for engine in [&STANDARD, &URL_SAFE] {
            let masked = known.redact(&engine.encode(format!("{before}{secret}{after}"))).into_owned();
            prop_assert!(masked.contains(MASK), "{masked}");
            let left = masked.split(MASK).map(str::len).sum::<usize>();
            let around = (before.len() + after.len()) * 4 / 3;
            prop_assert!(left <= around + 8, "{masked}");
        }
    }
}

proptest! {
    /// What a filter passes on does not depend on the pieces, and is what the whole text would be.
    #[test]
    fn a_secret_is_masked_wherever_the_text_is_cut(
        parts in prop::collection::vec(
            prop_oneof!["[ab]{0,9}", Just("aabbaabb".to_owned()), Just("abbaabbaab".to_owned()), Just("aabbaabbX".to_owned())],
            0..9,
        ),
        sizes in prop::collection::vec(1..20_usize, 1..9),
    ) {
        let (text, known) = (parts.concat(), KnownSecrets::new(["aabbaabb", "abbaabbaab", "aabbaabbX"]).unwrap());
        let (mut filter, mut passed) = (SecretFilter::new(known.clone()), Vec::new());
        let (mut rest, mut sizes) = (text.as_bytes(), sizes.iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            filter.push(piece, |text| passed.extend_from_slice(text));
            rest = after;
        }
        filter.finish(|text| passed.extend_from_slice(text));
        prop_assert_eq!(String::from_utf8(passed).unwrap(), known.redact(&text));
    }
}

#[test]
fn a_filter_holds_back_no_more_than_what_may_begin_a_secret() {
    let mut filter = SecretFilter::new(known());
    let mut passed = |text: &str| {
        let mut passed = Vec::new();
        filter.push(text.as_bytes(), |text| passed.extend_from_slice(text));
        String::from_utf8(passed).unwrap()
    };
    assert_eq!(passed("listening\n"), "listening\n");
    assert_eq!(passed("an another-s"), "an ");
    assert_eq!(passed("ecret\n"), format!("{MASK}\n"));
    assert_eq!(passed("another-"), "");
    assert_eq!(passed("one\n"), "another-one\n");
}

#[test]
fn texts_and_names_in_values_are_masked_and_found() {
    let mut value = json!({"a": ["x", {"another-secret": 1, "b": "is another-secret"}], "n": 1});
    assert_eq!(
        known().find(&json!({"a": ["x", {"b": "is another-secret"}]})).as_deref(),
        Some("a[1].b")
    );
    assert_eq!(known().find(&json!({"another-secret": 1})).as_deref(), Some("a name"));
    assert_eq!(known().find(&json!({"a": ["x", null, 1.5, true]})), None);
    known().redact_value(&mut value);
    let masked = json!({"a": ["x", {MASK: 1, "b": format!("is {MASK}")}], "n": 1});
    assert_eq!(value, masked);
    assert_eq!(format!("{:?}", known()), "KnownSecrets(..)");
}

/// Returns its argument, as text, data and progress.
#[derive(Debug)]
struct Echo;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct EchoArgs {
    /// A word; the secret is returned if it is `secret`
    word: String,
}

impl TypedTool for Echo {
    type Args = EchoArgs;
    const NAME: &'static str = "test.echo";
    const DESCRIPTION: &'static str = "Echo";
    const CATEGORY: &'static str = "test";
    const RETURNS: &'static str = "string";
    const EFFECT: az_core::tool::EffectClass = az_core::tool::EffectClass::Read;

    async fn call(&self, args: EchoArgs, call: &Invocation) -> az_core::Result<ToolOutput> {
        let said = if args.word == "secret" { "it is another-secret" } else { "nothing" };
        call.progress.report(az_core::tool::Progress::message(said));
        if args.word == "invalid" {
            return Err(az_core::Error::invalid("word", "not another-secret"));
        }
        Ok(ToolOutput::done(said).with_data(json!({ "said": said })))
    }
}

fn redacting() -> RedactingToolbox {
    let mut tools = ToolRegistry::new();
    tools.add(Echo).unwrap();
    RedactingToolbox::new(Arc::new(tools), Arc::new(known()))
}

async fn echo(word: &str) -> (az_core::Result<ToolOutput>, Option<String>) {
    let (sender, mut receiver) = progress_channel();
    let call = Invocation::bare("test.echo", json!({ "word": word })).unwrap();
    let output = redacting().call(call.with_progress(sender)).await;
    (output, receiver.next().await.map(|progress| progress.message))
}

#[tokio::test]
async fn what_a_tool_returns_and_reports_has_no_secret() {
    let said = format!("it is {MASK}");
    let expected = ToolOutput::done(said.clone()).with_data(json!({ "said": said }));
    let (output, progress) = echo("secret").await;
    assert_eq!((output.unwrap(), progress), (expected, Some(said)));
    let (output, _) = echo("invalid").await;
    assert_eq!(output.unwrap_err().to_string(), format!("invalid word: not {MASK}"));
}

#[tokio::test]
async fn a_call_with_a_secret_in_its_arguments_is_refused_and_not_altered() {
    for word in ["another-secret", &STANDARD.encode("x another-secret y")] {
        let (output, progress) = echo(word).await;
        let error = output.unwrap_err().to_string();
        assert!(
            error.starts_with("invalid arguments: word contains a key or a password"),
            "{error}"
        );
        assert_eq!(progress, None, "the tool was not called");
    }
    assert_eq!(echo("short").await.0.unwrap().text(), "nothing");
}

/// A toolbox behind the decorator.
struct Decorated(FakeToolbox);

#[async_trait]
impl Fixture<dyn Toolbox> for Decorated {
    async fn open(&self) -> Arc<dyn Toolbox> {
        Arc::new(RedactingToolbox::new(Arc::new(self.0.clone()), Arc::new(known())))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }
}

impl ToolboxFixture for Decorated {
    fn examples(&self) -> Vec<Example> {
        let call = |tool| Invocation::bare(tool, json!({})).unwrap();
        vec![
            Example::new(call("look"), ExpectedOutcome::Done),
            Example::new(call("replace"), ExpectedOutcome::Replaces),
        ]
    }
}

#[tokio::test]
async fn the_decorator_keeps_the_contract_of_toolboxes() {
    let report = az_core::testing::toolbox::toolbox(|| {
        let replacing = FakeTool::new("replace").replacing("f");
        Decorated(FakeToolbox::default().with(FakeTool::new("look")).with(replacing))
    })
    .await;
    assert_eq!(report.failed(), [] as [&str; 0], "\n{report}");
}

#[tokio::test]
async fn a_file_that_was_shown_with_a_secret_masked_does_not_count_as_seen_whole() {
    let seen = |text: &str| {
        let shown = SeenFile::new("f", "digest", 9).complete();
        let output = ToolOutput::done(text).with_seen(shown);
        let tools = FakeToolbox::default().with(FakeTool::new("look").answering(output));
        let tools = RedactingToolbox::new(Arc::new(tools), Arc::new(known()));
        async move {
            let call = Invocation::bare("look", json!({})).unwrap();
            tools.call(call).await.unwrap().seen.pop().unwrap()
        }
    };
    let whole = SeenFile::new("f", "digest", 9).complete();
    assert_eq!(seen("nothing secret").await, whole);
    assert_eq!(seen(&format!("key = {KEY}")).await, whole.hidden());
}
