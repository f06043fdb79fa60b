use super::check;
use crate::routing::Variable;

#[track_caller]
fn refused(condition: &str, offset: usize, what: &str) {
    let flaw = check(condition).unwrap_err();
    let near = crate::error::hint(&flaw.near);
    assert_eq!((flaw.offset, format!("{}{near}", flaw.what).as_str()), (offset, what));
}

#[test]
fn the_rules_of_the_design_are_valid() {
    for condition in [
        "tokens < 500",
        "complexity == 'code' and tokens < 2000",
        "complexity == 'reasoning' and tokens < 1000",
        "tokens >= 2000",
        "not (tokens > 10 or tokens == 3) and 1 < tokens < 10",
        "priority in ['high', 'urgent'] and budget_left / 2 > 0.25 + -1",
        "model == none or model != 'claude' or model in ['a', 'b']",
        "'vision' in features and 'tools' not in features",
        "true",
    ] {
        assert!(check(condition).is_ok(), "{condition}: {:?}", check(condition));
    }
    let reads = check("tokens < 9 and complexity == 'code' and tokens > 3");
    assert_eq!(reads, Ok(vec![Variable::Tokens, Variable::Complexity]));
}

#[test]
fn an_invalid_expression_is_refused_with_the_position() {
    refused("", 0, "the condition is empty");
    let unread = |condition, offset, what: &str| {
        refused(condition, offset, &format!("the condition cannot be read: {what}"));
    };
    unread("tokens <", 7, "unexpected end of input, expected expression");
    unread("tokens < < 3", 9, "unexpected `<`");
    unread("(tokens < 3", 10, "unexpected end of input, expected `)`");
    unread("tokens < 3 tokens", 11, "unexpected input after expression");
    unread("tokens == 'a", 12, "unexpected end of string");
    unread("tokens < 500 && true", 13, "unexpected character");
}

#[test]
fn unknown_variables_are_refused_with_similar_names() {
    let unknown = "no variable is called \"token\"; did you mean \"tokens\" or \"max_tokens\" or \
                   \"request_tokens\"?";
    refused("token < 500", 0, unknown);
    refused("'é' == model and token < 500", 18, unknown);
    refused("Fallback", 0, "no variable is called \"Fallback\"; did you mean \"fallback\"?");
    refused("xyz == 1", 0, "no variable is called \"xyz\"");
    let alone = "`fallback` stands alone: it holds when no other rule does";
    refused("tokens > 3 or fallback", 14, alone);
    refused("not fallback", 4, alone);
}

#[test]
fn comparisons_that_cannot_be_meant_are_refused() {
    refused("tokens < '500'", 0, "a number cannot be compared with a text");
    refused("tokens == none", 0, "a number cannot be compared with none");
    refused("complexity < 'code'", 0, "a text cannot be compared with a text");
    refused("1 < tokens < 'x'", 4, "a number cannot be compared with a text");
    refused("'vision' in model", 0, "a text cannot be searched for in a text");
    refused("tokens in features", 0, "a number cannot be searched for in a list");
    refused("tokens", 0, "this is a number, but true or false is expected");
    refused("tokens < 3 and 7", 15, "this is a number, but true or false is expected");
    refused("'a' * 1000000000 == 'b'", 0, "this is a text, but a number is expected");
    refused("priority == tokens > 3", 0, "a text cannot be compared with a number");
    refused("features == ['tools']", 0, "a list cannot be compared with a list");
    refused("model in ['a', 3]", 15, "a list may contain only texts");
    let never = "it is never \"cod\", but simple, code, reasoning; did you mean \"code\"?";
    refused("complexity == 'cod'", 14, never);
    refused("complexity in ['code', 'cod']", 14, never);
    let feature = "it is never \"images\", but tools, vision, format";
    refused("'images' in features", 0, feature);
}

#[test]
fn only_comparisons_and_arithmetic_are_accepted() {
    let what = "rules have comparisons, arithmetic, `and`, `or`, `not` and `in` only";
    for condition in [
        "range(10) == 3",
        "tokens | abs > 3",
        "model is none",
        "features[0] == 'tools'",
        "model.name == 'x'",
        "true if tokens > 3 else false",
        "features[1:] == 3",
        "{'a': 1} == 3",
    ] {
        assert_eq!(check(condition).unwrap_err().what, what, "{condition}");
    }
    refused("model ~ 'a' == 'b'", 8, "rules cannot concatenate texts");
}

#[test]
fn an_overlong_condition_is_refused_before_parsing() {
    refused(&"(".repeat(3000), 0, "the condition is longer than 2000 bytes");
    assert!(check(&"(".repeat(1999)).is_err());
    let deep = "the condition is nested too deeply";
    refused(&format!("{}true", "not ".repeat(490)), 256, deep);
    refused(&format!("1{} > 0", "+1".repeat(950)), 0, deep);
    refused(&format!("true{}", " and true".repeat(200)), 0, deep);
    assert!(check(&format!("true{}", " and true".repeat(60))).is_ok());
}
