//! Every recorded exchange with a provider, played to the real client.
//!
//! The recordings are not part of the project. Where the environment says that they are
//! (`AZ_RECORDED`, a folder), each is replayed; elsewhere this test says that it was skipped.
//!
//! A wire takes part by implementing [`spoken::Spoken`] and standing in the test below.

mod anthropic;
mod chat_completions;
mod cuts;
mod driver;
mod exchange;
mod gemini;
mod ollama;
mod responses;
mod spoken;
mod table;
mod turns;

use anthropic::Messages;
use chat_completions::ChatCompletions;
use driver::play;
use exchange::Exchange;
use gemini::GenerateContent;
use ollama::OllamaChat;
use responses::Responses;
use spoken::Spoken;
use table::Table;

/// Whether any of the wires speaks an exchange; the others are of other interfaces.
fn is_spoken(exchange: &Exchange) -> bool {
    let wires = [
        ChatCompletions::speaks,
        GenerateContent::speaks,
        Messages::speaks,
        OllamaChat::speaks,
        Responses::speaks,
    ];
    wires.iter().any(|speaks| speaks(exchange))
}

#[tokio::test]
async fn every_recorded_exchange_is_read() {
    if !exchange::are_here() {
        eprintln!("skipped: AZ_RECORDED names no folder with recordings");
        return;
    }
    let mut table = Table::default();
    for provider in ["openai", "deepseek", "groq", "mistral", "openrouter", "llamacpp"] {
        table.add(play::<ChatCompletions>(provider).await);
    }
    table.add(play::<Messages>("anthropic").await);
    table.add(play::<OllamaChat>("ollama").await);
    table.add(play::<GenerateContent>("gemini").await);
    for provider in ["openai", "openrouter", "llamacpp"] {
        table.add(play::<Responses>(provider).await);
    }
    eprintln!("{table}");
    let sum = table.sum();
    assert!(sum.exchanges() > 300, "only {} exchanges were found", sum.exchanges());
}
