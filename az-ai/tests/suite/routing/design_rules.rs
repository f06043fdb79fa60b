//! The five rules of the design, verbatim.

use std::sync::Arc;

use az_ai::config::RoutingRule;
use az_ai::offline::OfflineClient;
use az_ai::resolver::{Models, RoutingQuery};
use az_ai::routing::{RoutingEngine, RuleRouter};
use az_core::clock::SystemClock;

const RULES: [(&str, &str); 5] = [
    ("tokens < 500", "deepseek"),
    ("complexity == 'code' and tokens < 2000", "gemini"),
    ("complexity == 'reasoning' and tokens < 1000", "claude"),
    ("tokens >= 2000", "gpt4"),
    ("fallback", "deepseek"),
];

/// The beginning of a prompt, its size in tokens (0 for the beginning alone), and the provider.
const PROMPTS: [(&str, usize, &str); 20] = [
    // Short: the first rule takes all of them.
    ("hello", 0, "deepseek"),
    ("Thank you, that was helpful.", 0, "deepseek"),
    ("What is the capital of France?", 0, "deepseek"),
    ("Translate \"good morning\" into Spanish.", 0, "deepseek"),
    ("Write a function that tests whether a number is prime.", 0, "deepseek"),
    ("Why is the sky blue?", 0, "deepseek"),
    ("Fix the bug in main.rs.", 499, "deepseek"),
    // Code of medium length.
    ("Fix the bug in main.rs.", 500, "gemini"),
    ("Write unit tests for the function below.", 800, "gemini"),
    ("Refactor this Python class.", 1500, "gemini"),
    ("Explain this SQL query.", 1999, "gemini"),
    // Reasoning of medium length.
    ("Why do the two reports disagree? Analyse them.", 500, "claude"),
    ("Compare the advantages and disadvantages of both offers.", 750, "claude"),
    ("Prove that the argument below is sound.", 999, "claude"),
    // Medium length, and no other rule.
    ("Compare the advantages and disadvantages of both offers.", 1000, "deepseek"),
    ("Shorten this letter.", 700, "deepseek"),
    // Long, whatever it is.
    ("Fix the bug in main.rs.", 2000, "gpt4"),
    ("Why do the two reports disagree? Analyse them.", 3000, "gpt4"),
    ("Shorten this letter.", 2000, "gpt4"),
    ("hello", 20_000, "gpt4"),
];

/// Continues a prompt with plain sentences up to a size.
fn prompt(beginning: &str, tokens: usize) -> String {
    let filler = " The garden was quiet and the gate stood open.".chars().cycle();
    let missing = (tokens * 3).saturating_sub(beginning.len());
    beginning.chars().chain(filler.take(missing)).collect()
}

fn router() -> RuleRouter {
    let client = || Arc::new(OfflineClient::new());
    let names = ["deepseek", "gemini", "claude", "gpt4"];
    let models = Models::new("claude", client(), "model");
    let models = names.iter().fold(models, |all, name| all.with(*name, client(), "model"));
    let names = names.map(str::to_owned).to_vec();
    let router = RuleRouter::new(Arc::new(models), names, "claude", Arc::new(SystemClock));
    let rules = RULES.map(|(condition, provider)| RoutingRule::new(condition, provider));
    router.with_rules(rules.to_vec()).unwrap()
}

#[test]
fn each_prompt_reaches_its_provider_whatever_is_sent_with_it() {
    let router = router();
    for (beginning, tokens, expected) in PROMPTS {
        let text = prompt(beginning, tokens);
        let query = RoutingQuery::new(&text);
        for query in [query, query.with_request_tokens(query.request_tokens + 1159)] {
            let route = router.route(&query).unwrap();
            assert_eq!(&*route.candidates[0].name, expected, "{beginning} ({tokens} tokens)");
        }
    }
}

#[test]
fn the_documentation_shows_the_same_rules() {
    let document = include_str!("../../../../docs/routing.md");
    let (_, block) = document.split_once("```toml\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let shown = az_ai::routing::parse_rules("routing.md", block).unwrap();
    let shown: Vec<_> =
        shown.iter().map(|rule| (rule.condition.as_str(), rule.provider.as_str())).collect();
    assert_eq!(shown, RULES);
}
