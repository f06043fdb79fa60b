//! A race for a hard budget, with a provider that bills by its own count whatever it reports.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use az_ai::chat::{ChatReply, ChatRequest, ChatStream, Message, replay};
use az_ai::client::{Capabilities, CostEstimate, LlmClient};
use az_ai::dispatch::{DispatchClient, DispatchOptions};
use az_ai::error::{Error, MeteredError};
use az_ai::pricing::{PriceBook, PricedCall, PricedClient};
use az_core::call::{PayerAccount, RetryPolicy};
use az_core::clock::SystemClock;
use az_core::cost::{BudgetKeeper, Charge, CostTracker, Period, Scope, TimeRange, Usage};
use az_core::journal::{FinishReason, ModelReply};
use az_core::memory::MemoryStore;
use az_core::testing::sample::budget;
use az_core::{Clock, ErrorKind, Usd};
use futures_util::future::join_all;

/// Models with a price, and the vocabularies that their provider counts with. Only the first one is
/// known to `az`.
const MODELS: [(&str, &str, &str); 4] = [
    ("openai", "gpt-5.6", O200K),
    ("deepseek", "deepseek-v4-flash", "deepseek_v3"),
    ("mistral", "mistral-large-latest", "mistral_v3"),
    ("gemini", "gemini-2.5-flash", PIECES_AND_BYTES),
];
const O200K: &str = "o200k_base";
/// No vocabulary of `SentencePiece` is in a crate that can be used here, so this one is written out: a
/// blank is part of the word behind it, and a character without a piece is a token a byte.
const PIECES_AND_BYTES: &str = "pieces and bytes";
const PIECES: [&str; 14] =
    ["▁", "▁the", "▁words", "▁and", "▁of", "er", "in", "▁q", "0", "1", "2", ",", "th", "▁long"];
const MAX_TOKENS: u32 = 300;
const ROUNDS: u64 = 10;
const CALLERS: u64 = 16;
const CALLS: u64 = 64;

/// Texts with many tokens for their length.
fn adversarial(seed: u64) -> String {
    let alphabets = [
        "qxzjkv ",
        "hjkl:wqdyp0$^gG/%\n",
        "0123456789,.- ",
        "ሰላምለዓ ",
        "ᚠᚢᚦᚨ𐎀𐎁𓀀𓀁ꦲꦏ",
        "😀🎉🚀👩\u{200d}🔬\u{fe0f}",
    ];
    let turn = usize::try_from(seed).unwrap();
    let alphabet: Vec<char> = alphabets[turn % alphabets.len()].chars().collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        alphabet[usize::try_from(state >> 33).unwrap() % alphabet.len()]
    };
    (0..(150 + turn % 100)).map(|_| letter()).collect()
}

/// Words, which show in every vocabulary that at least half of the tokens are missing from a report.
fn prose(seed: u64) -> String {
    "the words of long inner ".repeat(usize::try_from(8 + seed % 5).unwrap())
}

/// Counts the longest pieces, and a token a byte where there is none.
fn pieces_and_bytes(text: &str) -> u64 {
    let text = format!("▁{}", text.replace(' ', "▁"));
    let (mut rest, mut tokens) = (text.as_str(), 0);
    while let Some(first) = rest.chars().next() {
        let piece = PIECES.iter().filter(|piece| rest.starts_with(**piece)).max_by_key(|p| p.len());
        tokens += if piece.is_some() { 1 } else { u64::try_from(first.len_utf8()).unwrap() };
        rest = &rest[piece.map_or(first.len_utf8(), |piece| piece.len())..];
    }
    tokens
}

/// Returns the number of words, which no vocabulary has fewer tokens for.
fn words(text: &str) -> u64 {
    let has_letter = |word: &&str| word.chars().any(char::is_alphabetic);
    u64::try_from(text.split_ascii_whitespace().filter(has_letter).count()).unwrap()
}

/// Counts with the vocabulary of its model, and bills what it counts.
#[derive(Debug)]
struct Counting {
    model: (&'static str, &'static str, &'static str),
    /// Whether every report has half of the tokens of a reply in words.
    reports_too_little: bool,
    calls: AtomicU64,
    billed: AtomicU64,
    /// What has to be booked at least: what is reported, or what the texts show if that is more.
    due: AtomicU64,
}

impl Counting {
    fn new(model: (&'static str, &'static str, &'static str), reports_too_little: bool) -> Self {
        let [calls, billed, due] = [0, 0, 0].map(AtomicU64::new);
        Self { model, reports_too_little, calls, billed, due }
    }

    fn tokens(&self, text: &str) -> u64 {
        if self.model.2 == PIECES_AND_BYTES {
            return pieces_and_bytes(text);
        }
        u64::try_from(tiktoken::get_encoding(self.model.2).unwrap().count(text)).unwrap()
    }

    fn text(&self, seed: u64) -> String {
        if self.reports_too_little { prose(seed) } else { adversarial(seed) }
    }

    /// Returns what a text shows of its tokens.
    fn shown(&self, text: &str) -> u64 {
        if self.model.2 == O200K { self.tokens(text) } else { words(text) }
    }

    fn price(&self, usage: &Usage) -> Usd {
        let (provider, model, _) = self.model;
        let call = PricedCall { provider, model, at: SystemClock.now() };
        PriceBook::bundled().cost(&call, usage).unwrap().total
    }
}

#[async_trait]
impl LlmClient for Counting {
    fn provider(&self) -> &str {
        self.model.0
    }

    fn capabilities(&self, _model: &str) -> Capabilities {
        Capabilities::TEXT
    }

    fn estimate_cost(&self, _request: &ChatRequest) -> CostEstimate {
        CostEstimate::new(None, 0)
    }

    async fn complete(&self, request: &ChatRequest) -> az_ai::Result<ChatReply> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let [Message::User { text: prompt, .. }] = &request.messages[..] else {
            panic!("{:?}", request.messages)
        };
        let mut text = self.text(call + 7);
        while self.tokens(&text) > request.max_tokens.into() {
            text.pop();
        }
        let counted = Usage::tokens(self.tokens(prompt) + 7, self.tokens(&text));
        let add = |sum: &AtomicU64, usage: &Usage| {
            let nanos = u64::try_from(self.price(usage).nanos()).unwrap();
            sum.fetch_add(nanos, Ordering::Relaxed);
        };
        add(&self.billed, &counted);
        // The calls of others overlap with this one.
        for _ in 0..call % 5 {
            tokio::task::yield_now().await;
        }
        let half = Usage::tokens(counted.input / 2, counted.output / 2);
        let (reported, received) = match call % 8 {
            // No call is booked above its due, which would hide that others are booked below.
            turn if self.reports_too_little => match turn % 2 {
                0 => (Some(half), true),
                _ => (Some(Usage::tokens(counted.input, half.output)), true),
            },
            0 => (Some(counted.clone()), true),
            1 => (None, false),
            2 => (Some(counted.clone()), false),
            3 => (Some(Usage::tokens(counted.input * 3, counted.output * 3)), true),
            4 => (Some(Usage::tokens(call % 3, 1)), true),
            5 => (None, true),
            // Half is noticed where the vocabulary is known, and in words.
            6 if self.model.2 == O200K => (Some(half), true),
            6 => (Some(counted.clone()), true),
            _ => (Some(counted.clone()), false),
        };
        // Where nothing is reported, or more than is possible, an upper bound is booked.
        let due = match &reported {
            Some(usage) => Usage::tokens(
                usage.input.min(counted.input).max(self.shown(prompt)),
                usage.output.min(counted.output).max(if received { self.shown(&text) } else { 0 }),
            ),
            None => counted,
        };
        add(&self.due, &due);
        let cut = || Error::Truncated { provider: self.model.0.to_owned() };
        match (received, reported) {
            (false, None) => Err(cut()),
            (false, Some(usage)) => {
                let charge = Charge::new(usage, None);
                Err(Error::Metered(Box::new(MeteredError { error: cut(), charge })))
            }
            (true, usage) => {
                let reply = ModelReply::text(text).with_finish(FinishReason::Stop);
                let model = self.model.1.to_owned();
                Ok(ChatReply { reply, usage, model, ..ChatReply::default() })
            }
        }
    }

    fn stream(&self, _request: &ChatRequest) -> ChatStream {
        replay(ChatReply::default())
    }
}

/// 10,240 attempts. What the provider bills by its own count never exceeds the budget. The ledger is never
/// below what was reported, or what the texts show where that is more. In every second round, the
/// provider reports too little of every call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_bills_by_its_own_count_never_exceeds_the_budget() {
    for round in 0..ROUNDS {
        let model = MODELS[usize::try_from(round / 2).unwrap() % MODELS.len()];
        let provider = Arc::new(Counting::new(model, round % 2 == 1));
        let clock = Arc::new(SystemClock);
        let priced = PricedClient::new(
            Arc::<Counting>::clone(&provider),
            PriceBook::bundled(),
            model.0,
            Arc::<SystemClock>::clone(&clock),
        );
        let store = MemoryStore::new();
        // Enough for some of the calls.
        let sample = ChatRequest::prompt(model.1, provider.text(0)).with_max_tokens(MAX_TOKENS);
        let holds = if provider.reports_too_little { 150 } else { 400 };
        let held = priced.estimate_cost(&sample).max_cost.unwrap();
        let cap = Usd::from_nanos(held.nanos() * holds + i64::try_from(round).unwrap());
        let limit = budget(Scope::Global, Period::Total, cap.nanos());
        store.set_budget(&limit, clock.now()).await.unwrap();
        let payer = "key:race".parse().unwrap();
        let account = PayerAccount::new(Arc::new(store.clone()), clock, payer, "r:").unwrap();
        let options = DispatchOptions::default().with_budget_wait(Duration::ZERO);
        let client = DispatchClient::around(Arc::new(priced))
            .with_options(options)
            .paid_by(account.with_retry(RetryPolicy::never()));
        let callers = (0..CALLERS).map(|caller| {
            let (client, provider) = (client.clone(), Arc::clone(&provider));
            tokio::spawn(async move {
                let mut refused = 0;
                for call in 0..CALLS {
                    let seed = (round * CALLERS + caller) * CALLS + call;
                    let request = ChatRequest::prompt(model.1, provider.text(seed));
                    let ended = client.complete(&request.with_max_tokens(MAX_TOKENS)).await;
                    refused += u64::from(ended.is_err_and(|e| e.kind() == ErrorKind::Budget));
                }
                refused
            })
        });
        let refused: u64 = join_all(callers).await.into_iter().map(Result::unwrap).sum();
        let sent = provider.calls.load(Ordering::Relaxed);
        assert_eq!(sent + refused, CALLERS * CALLS);
        assert!(sent > 100 && refused > 50, "{sent} were sent and {refused} refused");
        let billed = i64::try_from(provider.billed.load(Ordering::Relaxed)).unwrap();
        let billed = Usd::from_nanos(billed);
        let booked = store.total_in(TimeRange::ALL).await.unwrap();
        assert!(billed <= cap, "billed {billed} of {cap}");
        assert!(booked >= billed, "booked {booked}, billed {billed}");
        let due = Usd::from_nanos(i64::try_from(provider.due.load(Ordering::Relaxed)).unwrap());
        assert!(booked >= due, "booked {booked}, due {due}");
        assert!(store.open_holds().await.unwrap().is_empty());
    }
}
