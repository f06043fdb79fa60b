//! Rules from files, and the locations of problems.

use az_ai::config::RoutingRule;
use az_ai::routing::{RoutingEngine, RulesError, parse_rules};
use az_ai::testing::routing_engine::RoutingSetup;

use super::router::router;

const TOML: &str = "\
title = 'anything else'
[llm]
default_provider = 'large'
[[llm.routing_rules]]
condition = \"tokens < 500\"
provider = \"small\"
reason = \"Free model for simple tasks\"
[[llm.routing_rules]]
condition = 'fallback'
provider = 'large'
";

/// Parses rules and gives them to a router.
async fn load(file: &str, text: &str) -> Result<Vec<RoutingRule>, RulesError> {
    let rules = parse_rules(file, text)?;
    router(&RoutingSetup::new(&[])).update_routing_rules(rules.clone()).await?;
    Ok(rules)
}

async fn check(file: &str, text: &str, expected: &str) {
    let error = load(file, text).await.unwrap_err();
    assert_eq!(error.to_string(), expected, "{text}");
}

#[tokio::test]
async fn rules_are_read_from_toml_and_from_json() {
    let plain = |mut rules: Vec<RoutingRule>| {
        rules.iter_mut().for_each(|rule| rule.locations = None);
        rules
    };
    let expected = [
        RoutingRule::new("tokens < 500", "small").with_reason("Free model for simple tasks"),
        RoutingRule::new("fallback", "large"),
    ];
    assert_eq!(plain(load("az.toml", TOML).await.unwrap()), expected);
    let top = TOML.replace("llm.routing_rules", "routing_rules");
    assert_eq!(plain(load("az.toml", &top).await.unwrap()), expected);
    let json = r#"[
        {"condition": "tokens < 500", "provider": "small", "reason": "Free model for simple tasks"},
        {"condition": "fallback", "provider": "large"}
    ]"#;
    assert_eq!(plain(load("rules.JSON", json).await.unwrap()), expected);
    let object = format!("{{\"title\": 1, \"routing_rules\": {json}}}");
    assert_eq!(plain(load("rules.json", &object).await.unwrap()), expected);
}

#[tokio::test]
async fn a_file_without_rules_is_refused_with_the_expected_form() {
    let no_rules = "there are no rules in it: they are tables [[routing_rules]]";
    check("az.toml", "", &format!("az.toml:1:1: {no_rules}")).await;
    check("az.toml", "[llm]\nmodel = 'x'\n", &format!("az.toml:1:1: {no_rules}")).await;
    for (table, name) in [("rules", "rules"), ("llm.routing_rule", "routing_rule")] {
        let text = format!("[[{table}]]\ncondition = 'true'\nprovider = 'small'\n");
        check("az.toml", &text, &format!("az.toml:1:1: {no_rules}, not [[{name}]]")).await;
    }
    let json = "r.json:1:1: there are no rules in it: they are a list of objects with `condition` \
                and `provider`, or the `routing_rules` of an object";
    check("r.json", "[]", json).await;
    check("r.json", "{\"rules\": []}", json).await;
}

#[tokio::test]
async fn the_rules_of_the_design_are_accepted_verbatim() {
    let rules = [
        ("tokens < 500", "small"),
        ("complexity == 'code' and tokens < 2000", "middle"),
        ("complexity == 'reasoning' and tokens < 1000", "large"),
        ("tokens >= 2000", "large"),
        ("fallback", "small"),
    ];
    let text = rules.map(|(condition, provider)| {
        format!("[[routing_rules]]\ncondition = \"{condition}\"\nprovider = '{provider}'\n")
    });
    assert_eq!(load("az.toml", &text.concat()).await.unwrap().len(), 5);
}

#[tokio::test]
async fn every_problem_has_file_line_and_column() {
    let token = "no variable is called \"token\" (in `token < 500`); did you mean \"tokens\" or \
                 \"max_tokens\" or \"request_tokens\"?";
    check("az.toml", &TOML.replace("tokens <", "token <"), &format!("az.toml:5:14: {token}")).await;
    let unknown = "no model is called \"smal\"; did you mean \"small\"?";
    check("az.toml", &TOML.replace("\"small", "\"smal"), &format!("az.toml:6:12: {unknown}")).await;
    let json = "[\n  {\"provider\": \"small\",\n   \"condition\": \"1 < 2 and token < 500\"}]";
    let expected = "r.json:3:28: no variable is called \"token\" (in `1 < 2 and token < 500`); did \
                    you mean \"tokens\" or \"max_tokens\" or \"request_tokens\"?";
    check("r.json", json, expected).await;
}

#[tokio::test]
async fn locations_are_correct_in_every_notation() {
    let rule = |condition: &str| {
        format!("[[routing_rules]]\ncondition = {condition}\nprovider = 'small'\n")
    };
    let number = "this is a number, but true or false is expected";
    check(
        "a.toml",
        &rule("  'true and tokens'"),
        &format!("a.toml:2:25: {number} (in `true and tokens`)"),
    )
    .await;
    check(
        "a.toml",
        &rule("'''\ntrue\n and tokens'''"),
        &format!("a.toml:4:6: {number} (in `true\n and tokens`)"),
    )
    .await;
    // In a string with escapes the position is unknown: the rule's location is reported.
    check(
        "a.toml",
        &rule("\"model == '\\u00e9' and tokens\""),
        &format!("a.toml:1:1: {number} (in `model == 'é' and tokens`)"),
    )
    .await;
    check(
        "a.toml",
        &rule("\" 'é' == model and tokens\""),
        &format!("a.toml:2:32: {number} (in `'é' == model and tokens`)"),
    )
    .await;
}

#[tokio::test]
async fn a_wrong_form_is_refused_with_its_location() {
    let rule = "[[routing_rules]]\ncondition = 'true'\n";
    check("a.toml", rule, "a.toml:1:1: missing field `provider`").await;
    let fields = "unknown field `raeson`, expected one of `condition`, `provider`, `reason`";
    let text = format!("{rule}provider = 'small'\nraeson = 'x'\n");
    check("a.toml", &text, &format!("a.toml:4:1: {fields}")).await;
    check("a.toml", "[[routing_rules]\n", "a.toml:1:17: unclosed array table, expected `]`").await;
    let json = "[{\"condition\": \"true\", \"provider\": \"small\",\n\"raeson\": \"\"}]";
    check("a.json", json, &format!("a.json:2:8: {fields}")).await;
    check(
        "a.json",
        "[{\"condition\": 3, \"provider\": \"small\"}]",
        "a.json:1:16: invalid type: integer `3`, expected a string",
    )
    .await;
    check(
        "a.json",
        "[{\"condition\": \"x\"\n",
        "a.json:2:1: EOF while parsing an object at line 2 column 0",
    )
    .await;
    check("a.json", "3", "a.json:1:1: invalid type: integer `3`, expected a sequence").await;
}

#[tokio::test]
async fn all_problems_are_reported_together_with_and_without_a_file() {
    let rules = vec![
        RoutingRule::new("é", "small"),
        RoutingRule::new("  tokens < 'x'", "larg"),
        RoutingRule::new(" ", "small"),
        RoutingRule::new("1 / 0 > tokens", "small"),
    ];
    let error = router(&RoutingSetup::new(&[])).update_routing_rules(rules).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "routing rule 1, character 1 of its condition: the condition cannot be read: unexpected \
         character (in `é`)\n\
         routing rule 2, character 3 of its condition: a number cannot be compared with a text (in \
         `tokens < 'x'`)\n\
         routing rule 2: no model is called \"larg\"; did you mean \"large\"?\n\
         routing rule 3, character 2 of its condition: the condition is empty\n\
         routing rule 4, character 1 of its condition: the condition cannot be evaluated: unable \
         to calculate 1 / 0 (in `1 / 0 > tokens`)"
    );
}
