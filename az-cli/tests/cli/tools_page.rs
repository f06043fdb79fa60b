//! `docs/tools.md` describes the tools as they are, and its examples print what it shows.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::Az;

/// The tools whose examples are run; the output of the others differs from run to run, or costs money.
const RUN: [&str; 7] = [
    "filesystem.list",
    "filesystem.read",
    "filesystem.write",
    "filesystem.edit",
    "filesystem.search",
    "filesystem.glob",
    "shell.execute",
];

#[test]
fn the_page_about_tools_is_what_they_are() {
    let az = Az::new().with_var("AZ_TOOLS_WEB_HOSTS", "example.org");
    az.file("README.md", "# Notes\n\nA list of things to do.\n");
    fs::create_dir(az.work().join("src")).unwrap();
    az.file("src/lib.rs", "").file("src/main.rs", "fn main() {}\n");
    let tools = az.ok(&["tools", "info", "builtin", "--format", "json"]);
    let tools: Vec<Value> = serde_json::from_str(&tools).unwrap();
    let sections: String = tools.iter().map(|tool| section(&az, tool)).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tools.md");
    let kept = fs::read_to_string(&path).unwrap();
    let (before, rest) = kept.split_once("<!-- tools -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let expected = format!("{before}<!-- tools -->\n{sections}<!-- end -->{after}");
    if std::env::var_os("AZ_UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), expected, "AZ_UPDATE_DOCS=1 writes it anew");
}

fn section(az: &Az, tool: &Value) -> String {
    let text = |name: &str| tool[name].as_str().unwrap().to_owned();
    let name = text("name");
    // Which shell it is depends on the machine.
    let about = text("description").replace(", with bash", "").replace(", with sh", "");
    let mut page = format!("\n### `{name}`\n\n{}.\n\n", about.trim_end_matches('.'));
    page.push_str("| argument | type | default | meaning |\n|---|---|---|---|\n");
    for argument in tool["arguments"].as_array().unwrap() {
        let default = match &argument["default"] {
            Value::Null if argument["required"] == true => "required".to_owned(),
            Value::Null => "none".to_owned(),
            default => format!("`{default}`"),
        };
        let field = |name: &str| argument[name].as_str().unwrap();
        let (argument, kind, about) = (field("name"), field("type"), field("description"));
        writeln!(page, "| `{argument}` | {kind} | {default} | {about} |").unwrap();
    }
    writeln!(page, "\n* category `{}`, returns {}", text("category"), text("returns")).unwrap();
    writeln!(page, "* effect `{}`, reaches `{}`", text("effect"), text("scope")).unwrap();
    writeln!(page, "* annotations of MCP: `{}`", tool["annotations"]).unwrap();
    writeln!(page, "* the example below is {}", text("policy").replace("asks:", "asked about:"))
        .unwrap();
    let (of, fields) = fields(&tool["output_schema"]);
    if !fields.is_empty() {
        writeln!(page, "* fields of {of}: {}", fields.join("; ")).unwrap();
    }
    let arguments = tool["example"].to_string();
    let command = ["az", "tools", "call", &name, &arguments];
    writeln!(page, "\n```console\n$ {}", shlex::try_join(command).unwrap()).unwrap();
    if RUN.contains(&name.as_str()) {
        let ended = az.az(&["tools", "call", &name, &arguments, "--yes"]);
        assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
        page.push_str(ended.stdout.trim_end());
        page.push('\n');
    }
    page + "```\n"
}

/// Returns the fields of a result, or of the items of an array.
fn fields(schema: &Value) -> (&'static str, Vec<String>) {
    let (of, object) = match &schema["items"] {
        Value::Null => ("the result", schema),
        items => ("each item", items),
    };
    let properties = object["properties"].as_object().into_iter().flatten();
    let in_words = |(name, field): (&String, &Value)| {
        let about = field["description"].as_str().unwrap_or_default().trim_end_matches('.');
        format!(
            "`{name}`, {}{}",
            about.get(..1).unwrap_or_default().to_lowercase(),
            about.get(1..).unwrap_or_default()
        )
    };
    (of, properties.map(in_words).collect())
}
