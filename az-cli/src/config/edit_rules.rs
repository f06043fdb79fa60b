//! Adds a rule about tool calls to a text, before the others: the first that matches counts.

use az_mcp::policy::Rule;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_edit::{DocumentMut, InlineTable, Item, RawString, Value};

use super::edit::{entry, name_in};
use super::tool_rules::toml_of;

/// Returns the text with a rule before all others. Nothing else of the text is changed.
///
/// # Errors
///
/// A text that is not TOML, or in which something else has the place of the rules.
pub(super) fn prepend_rule(text: &str, rule: &Rule) -> Result<String, String> {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
    // The case of keys does not count, but TOML takes those of another case for others.
    let tools_key = name_in(document.as_table(), "tools");
    let tools = document.get(&tools_key).and_then(Item::as_table_like);
    let rules_key = tools.map_or_else(|| "rules".to_owned(), |tools| name_in(tools, "rules"));
    let lines: Vec<_> =
        toml_of(rule).iter().map(|(key, value)| format!("{key} = {value}{end}")).collect();
    let block = format!("[[{tools_key}.{rules_key}]]{end}{}", lines.concat());
    if let Some(first) = first_header(text)? {
        let (before, after) = text.split_at_checked(first).unwrap_or((text, ""));
        return Ok(format!("{before}{block}{end}{after}"));
    }
    let place = "something else has the place of `tools.rules`";
    let is_inline = match document.get_mut(&tools_key) {
        None => false,
        Some(tools) => match (tools.is_inline_table(), tools.get_mut(&rules_key)) {
            (_, Some(Item::Value(Value::Array(rules)))) => {
                // The first item has no space before it, and the next one has.
                if let Some(next) = rules.get_mut(0)
                    && next.decor().prefix().and_then(RawString::as_str).unwrap_or("").is_empty()
                {
                    next.decor_mut().set_prefix(" ");
                }
                rules.insert_formatted(0, inline(rule)?);
                return Ok(document.to_string());
            }
            (is_inline, None | Some(Item::None)) => is_inline,
            (_, Some(_)) => return Err(place.to_owned()),
        },
    };
    if is_inline {
        let rules = toml_edit::Array::from_iter([inline(rule)?]);
        let tools = document.get_mut(&tools_key).and_then(Item::as_inline_table_mut);
        tools.ok_or(place)?.insert(&rules_key, rules.into());
        return Ok(document.to_string());
    }
    let gap = match text {
        "" => "",
        text if text.ends_with('\n') => end,
        _ => &format!("{end}{end}"),
    };
    Ok(format!("{text}{gap}{block}"))
}

fn inline(rule: &Rule) -> Result<Value, String> {
    let mut table = InlineTable::new();
    for (key, value) in toml_of(rule) {
        let value: Value = value.parse().map_err(|_| "the value is not TOML".to_owned())?;
        table.insert(key, value);
    }
    Ok(table.into())
}

/// Returns where the header of the first rule begins, if rules have headers.
fn first_header(text: &str) -> Result<Option<usize>, String> {
    let root = DeTable::parse(text).map_err(|error| error.message().to_owned())?;
    let Some(DeValue::Table(tools)) = entry(root.get_ref(), "tools").map(Spanned::get_ref) else {
        return Ok(None);
    };
    let Some(rules) = entry(tools, "rules") else { return Ok(None) };
    let DeValue::Array(items) = rules.get_ref() else { return Ok(None) };
    let span = rules.span();
    let start = items.first().map_or(span.start, |first| first.span().start.min(span.start));
    let is_header = text.get(start..).is_some_and(|rest| rest.starts_with("[["));
    let line = text.get(..start).map_or(0, |before| before.rfind('\n').map_or(0, |at| at + 1));
    let is_first_of_line = text.get(line..start).is_some_and(|before| before.trim().is_empty());
    Ok((is_header && is_first_of_line).then_some(line))
}

#[cfg(test)]
mod tests {
    use az_mcp::policy::{Rule, RuleAction};

    use super::prepend_rule;

    const RULE: &str =
        "[[tools.rules]]\naction = \"allow\"\ntool = \"shell.execute\"\ncommand = \"cargo test\"\n";

    fn added(text: &str) -> Result<String, String> {
        let rule = Rule::new(RuleAction::Allow, "").with_tool("shell.execute");
        prepend_rule(text, &rule.with_command("cargo test"))
    }

    #[test]
    fn a_rule_is_added_before_the_others_and_nothing_else_changes() {
        let other = "[[tools.rules]]\naction = 'ask' # mine\n";
        let inline = "{ action = \"allow\", tool = \"shell.execute\", command = \"cargo test\" }";
        for (text, expected) in [
            (String::new(), RULE.to_owned()),
            ("a = 1".to_owned(), format!("a = 1\n\n{RULE}")),
            (
                "# c\n[llm]\nmodel = \"x\"\n".to_owned(),
                format!("# c\n[llm]\nmodel = \"x\"\n\n{RULE}"),
            ),
            (format!("# c\n{other}[log]\n"), format!("# c\n{RULE}\n{other}[log]\n")),
            (format!("[tools]\n  {other}"), format!("[tools]\n{RULE}\n  {other}")),
            (
                "[tools]\nrules = [{ action = \"ask\" }] # c\n".to_owned(),
                format!("[tools]\nrules = [{inline}, {{ action = \"ask\" }}] # c\n"),
            ),
            (
                "[TOOLS]\nmax = 1\n".to_owned(),
                format!("[TOOLS]\nmax = 1\n\n{}", RULE.replace("tools.rules", "TOOLS.rules")),
            ),
            (
                "[[Tools.Rules]]\naction = 'ask'\n".to_owned(),
                format!(
                    "{}\n[[Tools.Rules]]\naction = 'ask'\n",
                    RULE.replace("tools.rules", "Tools.Rules")
                ),
            ),
            (
                "[Tools]\nRULES = [{ action = \"ask\" }]\n".to_owned(),
                format!("[Tools]\nRULES = [{inline}, {{ action = \"ask\" }}]\n"),
            ),
            ("tools = { }\n".to_owned(), format!("tools = {{ rules = [{inline}]  }}\n")),
            ("[log]\r\n".to_owned(), format!("[log]\r\n\r\n{}", RULE.replace('\n', "\r\n"))),
        ] {
            assert_eq!(added(&text), Ok(expected), "{text:?}");
        }
        assert!(
            added("tools = 1").is_ok_and(|text| text.contains("tools = 1")),
            "the check refuses it"
        );
        assert!(added("a = ").is_err());
    }
}
