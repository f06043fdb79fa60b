//! Computes the cost of a call.

use az_core::Usd;
use az_core::cost::Usage;

use super::amount::Amount;
use super::model::{Card, ModelPrices, PriceRow, Rates};
use crate::token_price::TokenPrice;

/// The price of a web search at Anthropic: $10 a thousand.
const ANTHROPIC_SEARCH: TokenPrice = TokenPrice::from_pico(10_000_000_000);
/// A full price, in thousandths.
const WHOLE: u32 = 1000;

/// The cost of a call, and its parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Breakdown {
    /// The total: the sum of the parts, rounded up to the nano-dollar.
    pub total: Usd,
    /// What the cache saved: the total with all cached input at the price of plain input, minus the
    /// total. `None` if that price is unknown, or no input was cached.
    pub saved: Option<Usd>,
    /// The parts.
    pub parts: Vec<Part>,
    /// The surcharges and discounts that were applied.
    pub notes: Vec<String>,
}

/// A part of a call's cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The unit: a kind of tokens, or calls.
    pub what: &'static str,
    /// The number of units.
    pub quantity: u64,
    /// The price of a unit, before surcharges and discounts.
    pub price: TokenPrice,
    /// The cost, after surcharges and discounts.
    pub amount: Amount,
}

/// The prices of one call: the card and a factor.
struct Terms {
    rates: Rates,
    /// The factor, in thousandths.
    share: u32,
    notes: Vec<String>,
}

/// Prices usage; `None` when a price that it needs is unknown.
pub(super) fn cost(model: &ModelPrices, row: &PriceRow, usage: &Usage) -> Option<Breakdown> {
    let Terms { rates, share, mut notes } = terms(model, row, usage)?;
    let rates = Known::new(&model.provider, &rates);
    let thoughts = if rates.reasoning.is_some() { usage.reasoning.min(usage.output) } else { 0 };
    let tokens = [
        ("input", usage.input, rates.input),
        ("cache read", usage.cache_read, rates.cache_read),
        ("cache write", usage.cache_write_5m, rates.cache_write_5m),
        ("cache write for an hour", usage.cache_write_1h, rates.cache_write_1h),
        ("input of tools", usage.tool_input, rates.input),
        ("audio input", usage.audio_input, rates.audio_input),
        ("output", usage.output - thoughts, rates.output),
        ("reasoning", thoughts, rates.reasoning),
        ("audio output", usage.audio_output, rates.audio_output),
    ];
    let mut parts = Vec::new();
    for (what, quantity, price) in tokens.into_iter().filter(|(_, quantity, _)| *quantity > 0) {
        let price = price?;
        parts.push(Part { what, quantity, price, amount: Amount::of(quantity, price, share) });
    }
    if let Some(price) = row.request {
        let amount = Amount::of(1, price, WHOLE);
        parts.push(Part { what: "request", quantity: 1, price, amount });
    }
    if usage.server_tool_calls > 0 {
        let usual = (model.provider == "anthropic").then_some(ANTHROPIC_SEARCH);
        let (price, quantity) = (row.search.or(usual)?, usage.server_tool_calls);
        // The price of a search does not depend on tier and region.
        let amount = Amount::of(quantity, price, WHOLE);
        parts.push(Part { what: "web search", quantity, price, amount });
    }
    if usage.estimated {
        notes.push("the tokens are an estimate: the provider gave no count".to_owned());
    }
    let cached = CachedInput::of(usage, &rates, share);
    let amount: Amount = parts.iter().map(|part| part.amount).sum();
    let total = amount.to_usd();
    let saved =
        cached.map(|cached| amount.instead(cached.cost, cached.plain).to_usd().minus(total));
    Some(Breakdown { total, saved, parts, notes })
}

/// The cost of cached input, as it is and at the price of plain input.
struct CachedInput {
    cost: Amount,
    plain: Amount,
}

impl CachedInput {
    /// Returns the cost of the cached input of a call; `None` if there is none, or a price is unknown.
    fn of(usage: &Usage, rates: &Known, share: u32) -> Option<Self> {
        let input = rates.input.filter(|_| usage.cached_input() > 0)?;
        let kinds = [
            (usage.cache_read, rates.cache_read),
            (usage.cache_write_5m, rates.cache_write_5m),
            (usage.cache_write_1h, rates.cache_write_1h),
        ];
        let mut cost = Amount::default();
        for (quantity, price) in kinds.into_iter().filter(|(quantity, _)| *quantity > 0) {
            cost = [cost, Amount::of(quantity, price?, share)].into_iter().sum();
        }
        Some(Self { cost, plain: Amount::of(usage.cached_input(), input, share) })
    }
}

/// Finds the prices for usage.
fn terms(model: &ModelPrices, row: &PriceRow, usage: &Usage) -> Option<Terms> {
    let mut notes = Vec::new();
    let (mut share, mut ordinary) = (WHOLE, false);
    let mut card = &row.card;
    if usage.speed.as_deref().is_some_and(|speed| speed.eq_ignore_ascii_case("fast")) {
        card = row.tiers.get("fast")?;
        notes.push("prices of the fast mode".to_owned());
    }
    let tier = usage.service_tier.as_deref().unwrap_or_default().to_lowercase();
    match (tier.as_str(), row.tiers.get(tier.as_str())) {
        ("" | "default" | "standard" | "standard_only" | "auto" | "on_demand", _) => {}
        // The prices of a tier of its own already include the fast mode.
        (_, Some(own)) if std::ptr::eq(card, &row.card) => {
            card = own;
            notes.push(format!("prices of the {tier} tier"));
        }
        ("batch", _) => share /= 2,
        ("flex", _) if sells_tiers(model) => share /= 2,
        // Prepaid capacity has no price per token; the default tier's price is used.
        ("provisioned" | "scale", _) => ordinary = true,
        _ if sells_tiers(model) => return None,
        _ => ordinary = true,
    }
    if ordinary {
        notes.push(format!("the {tier} tier at the default tier's prices"));
    }
    if share < WHOLE {
        notes.push(format!("half the prices, in the {tier} tier"));
    }
    if model.provider == "anthropic" && is_us(usage) {
        share = share / 10 * 11;
        notes.push("a tenth more, for a model in the US".to_owned());
    }
    // The input tokens of tools are added after the prompt and do not count towards its size.
    let size = usage.total_input().saturating_sub(usage.tool_input);
    if let Some((bound, _)) = card.above.iter().rfind(|(bound, _)| size > *bound) {
        notes.push(format!("prices above {bound} input tokens"));
    }
    Some(Terms { rates: card.rates(size), share, notes })
}

/// Whether other service tiers have other prices, rather than other queues.
fn sells_tiers(model: &ModelPrices) -> bool {
    matches!(&*model.provider, "openai" | "google")
}

fn is_us(usage: &Usage) -> bool {
    usage.region.as_deref().is_some_and(|region| region.eq_ignore_ascii_case("us"))
}

/// How long a request asks the provider to keep what it caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CacheLife {
    Usual,
    Hour,
}

/// Returns the maximum cost of a call with these input and output tokens: that of a request of which
/// nothing is in the cache, and all of which is written to it.
pub(super) fn most<'a>(
    model: &ModelPrices,
    rows: impl Iterator<Item = &'a PriceRow>,
    (input, output): (u64, u64),
    life: CacheLife,
) -> Option<Usd> {
    let share = if model.provider == "anthropic" { WHOLE / 10 * 11 } else { WHOLE };
    let mut dearest = None;
    for row in rows {
        let card = &row.card;
        let fee = row.request.map_or_else(Amount::default, |fee| Amount::of(1, fee, WHOLE));
        let bounds = card.above.iter().map(|(bound, _)| bound.saturating_add(1));
        for size in bounds.filter(|size| *size <= input).chain([0]) {
            let rates = Known::new(&model.provider, &card.rates(size));
            let write = match life {
                CacheLife::Usual => rates.cache_write_5m?,
                CacheLife::Hour => rates.cache_write_5m.max(rates.cache_write_1h)?,
            };
            let inward = [rates.input?, write, rates.cache_read?].into_iter().max()?;
            let outward = rates.output.max(rates.reasoning);
            let (inward, outward) = (
                Amount::of(input, inward, share),
                match outward {
                    Some(price) => Amount::of(output, price, share),
                    None if output == 0 => Amount::default(),
                    None => return None,
                },
            );
            dearest = dearest.max(Some([inward, outward, fee].into_iter().sum::<Amount>()));
        }
    }
    dearest.map(Amount::to_usd)
}

/// Prices with defaults filled in.
struct Known {
    input: Option<TokenPrice>,
    output: Option<TokenPrice>,
    cache_read: Option<TokenPrice>,
    cache_write_5m: Option<TokenPrice>,
    cache_write_1h: Option<TokenPrice>,
    audio_input: Option<TokenPrice>,
    audio_output: Option<TokenPrice>,
    /// Present only where reasoning tokens have a price of their own.
    reasoning: Option<TokenPrice>,
}

impl Known {
    /// Kinds of tokens without a price cost what plain ones do; Anthropic's caches cost known
    /// fractions of the input price.
    fn new(provider: &str, rates: &Rates) -> Self {
        let of_input = |percent: u64| {
            let pico = rates.input.map(TokenPrice::pico)?;
            let share = if provider == "anthropic" { percent } else { 100 };
            let price = (u128::from(pico) * u128::from(share)).div_ceil(100);
            Some(TokenPrice::from_pico(u64::try_from(price).unwrap_or(u64::MAX)))
        };
        let hour = if provider == "anthropic" { of_input(200) } else { rates.cache_write_5m };
        Self {
            input: rates.input,
            output: rates.output,
            cache_read: rates.cache_read.or_else(|| of_input(10)),
            cache_write_5m: rates.cache_write_5m.or_else(|| of_input(125)),
            cache_write_1h: rates.cache_write_1h.or(hour).or_else(|| of_input(200)),
            audio_input: rates.audio_input.or(rates.input),
            audio_output: rates.audio_output.or(rates.output),
            reasoning: rates.reasoning,
        }
    }
}

/// Returns the card of the default tier with these prices, for the user's own prices.
impl From<Rates> for Card {
    fn from(rates: Rates) -> Self {
        Self { rates, above: Vec::new() }
    }
}
