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

/// Models with a price, and the vocabularies that their provider counts with. For the last two the
/// vocabulary is not known to `az`.
const MODELS: [(&str, &str, &str); 3] = [
    ("openai", "gpt-5.6", "o200k_base"),
    ("deepseek", "deepseek-v4-flash", "deepseek_v3"),
    ("mistral", "mistral-large-latest", "mistral_v3"),
];
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

/// Counts with the vocabulary of its model, and bills what it counts.
#[derive(Debug)]
struct Counting {
    model: (&'static str, &'static str, &'static str),
    calls: AtomicU64,
    billed: AtomicU64,
}

impl Counting {
    fn new(model: (&'static str, &'static str, &'static str)) -> Self {
        Self { model, calls: AtomicU64::new(0), billed: AtomicU64::new(0) }
    }

    fn tokens(&self, text: &str) -> u64 {
        u64::try_from(tiktoken::get_encoding(self.model.2).unwrap().count(text)).unwrap()
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
        let sent = request.messages.iter().map(|message| match message {
            Message::User { text, .. } => self.tokens(text) + 4,
            other => panic!("{other:?}"),
        });
        let mut text = adversarial(call + 7);
        while self.tokens(&text) > request.max_tokens.into() {
            text.pop();
        }
        let counted = Usage::tokens(sent.sum::<u64>() + 3, self.tokens(&text));
        let nanos = |usage: &Usage| u64::try_from(self.price(usage).nanos()).unwrap();
        self.billed.fetch_add(nanos(&counted), Ordering::Relaxed);
        // The calls of others overlap with this one.
        for _ in 0..call % 5 {
            tokio::task::yield_now().await;
        }
        let times = |n: u64| Usage::tokens(counted.input * n, counted.output * n);
        let reported = match call % 6 {
            0 | 2 => Some(counted),
            3 => Some(times(3)),
            4 => Some(Usage::tokens(call % 2, 1)),
            _ => None,
        };
        let cut = || Error::Truncated { provider: self.model.0.to_owned() };
        match (call % 6, reported) {
            (1, _) => Err(cut()),
            (2, Some(usage)) => {
                let charge = Charge::new(usage, None);
                Err(Error::Metered(Box::new(MeteredError { error: cut(), charge })))
            }
            (_, usage) => {
                let reply = ModelReply::text(text).with_finish(FinishReason::Stop);
                Ok(ChatReply {
                    reply,
                    usage,
                    model: self.model.1.to_owned(),
                    ..ChatReply::default()
                })
            }
        }
    }

    fn stream(&self, _request: &ChatRequest) -> ChatStream {
        replay(ChatReply::default())
    }
}

/// 10,240 attempts. What the provider bills by its own count never exceeds the budget, and the
/// ledger is never below what it bills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_bills_by_its_own_count_never_exceeds_the_budget() {
    for round in 0..ROUNDS {
        let model = MODELS[usize::try_from(round).unwrap() % MODELS.len()];
        let provider = Arc::new(Counting::new(model));
        let clock = Arc::new(SystemClock);
        let priced = PricedClient::new(
            Arc::<Counting>::clone(&provider),
            PriceBook::bundled(),
            model.0,
            Arc::<SystemClock>::clone(&clock),
        );
        let store = MemoryStore::new();
        // Enough for about half of the calls.
        let sample = ChatRequest::prompt(model.1, adversarial(0)).with_max_tokens(MAX_TOKENS);
        let held = priced.estimate_cost(&sample).max_cost.unwrap();
        let cap = Usd::from_nanos(held.nanos() * 400 + i64::try_from(round).unwrap());
        let limit = budget(Scope::Global, Period::Total, cap.nanos());
        store.set_budget(&limit, clock.now()).await.unwrap();
        let payer = "key:race".parse().unwrap();
        let account = PayerAccount::new(Arc::new(store.clone()), clock, payer, "r:").unwrap();
        let options = DispatchOptions::default().with_budget_wait(Duration::ZERO);
        let client = DispatchClient::around(Arc::new(priced))
            .with_options(options)
            .paid_by(account.with_retry(RetryPolicy::never()));
        let callers = (0..CALLERS).map(|caller| {
            let client = client.clone();
            tokio::spawn(async move {
                let mut refused = 0;
                for call in 0..CALLS {
                    let seed = (round * CALLERS + caller) * CALLS + call;
                    let request = ChatRequest::prompt(model.1, adversarial(seed));
                    let ended = client.complete(&request.with_max_tokens(MAX_TOKENS)).await;
                    refused += u64::from(ended.is_err_and(|e| e.kind() == ErrorKind::Budget));
                }
                refused
            })
        });
        let refused: u64 = join_all(callers).await.into_iter().map(Result::unwrap).sum();
        let sent = provider.calls.load(Ordering::Relaxed);
        assert_eq!(sent + refused, CALLERS * CALLS);
        assert!(sent > 200 && refused > 50, "{sent} were sent and {refused} refused");
        let billed = i64::try_from(provider.billed.load(Ordering::Relaxed)).unwrap();
        let billed = Usd::from_nanos(billed);
        let booked = store.total_in(TimeRange::ALL).await.unwrap();
        assert!(billed <= cap, "billed {billed} of {cap}");
        assert!(booked >= billed, "booked {booked}, billed {billed}");
        assert!(store.open_holds().await.unwrap().is_empty());
    }
}
