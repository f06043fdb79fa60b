//! Documents that say what the program does are held to it.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use az_cli::config::{DefaultValue, all_keys};
use az_cli::exit_code::EXIT_CODES;

use crate::support::Az;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// `docs/cli-reference.md` is what `--help` says. `AZ_UPDATE_DOCS=1` writes it anew.
#[test]
fn the_reference_is_what_help_says() {
    let mut command = az_cli::cli::command().term_width(100);
    command.build();
    let mut text = String::from(
        "# Command line\n\nWhat `--help` says of every command. Written by a test: \
         `AZ_UPDATE_DOCS=1 cargo test -p az-cli documents`.\n",
    );
    describe(&mut command, "az", &mut text);
    let path = docs().join("cli-reference.md");
    if std::env::var_os("AZ_UPDATE_DOCS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, text, "docs/cli-reference.md is out of date: AZ_UPDATE_DOCS=1 writes it anew");
}

fn describe(command: &mut clap::Command, name: &str, text: &mut String) {
    let help = command.render_long_help().to_string();
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    writeln!(text, "\n## `{name}`\n\n```text\n{}\n```", lines.join("\n").trim()).unwrap();
    for sub in command.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
        let name = format!("{name} {}", sub.get_name());
        describe(sub, &name, text);
    }
}

/// Every example of `docs/offline.md` is understood, and those that touch only files are done.
#[test]
fn the_planners_examples_work() {
    let text = fs::read_to_string(docs().join("offline.md")).unwrap();
    let (_, examples) = text.split_once("```text\n").unwrap();
    let (examples, _) = examples.split_once("```").unwrap();
    assert!(examples.lines().count() >= 5, "{examples}");
    for example in examples.lines() {
        let az = Az::new();
        az.file("notes.txt", "some notes\n").file("a.txt", "one\ntwo\n");
        fs::create_dir(az.work().join("src")).unwrap();
        let ended = az.az(&["task", "run", "--allow", "shell.execute", example]);
        assert_eq!(ended.code, Some(0), "{example}: {ended:?}");
    }
}

/// Every block of TOML in the documents about configuration is taken as a configuration file.
#[test]
fn the_configurations_in_the_documents_are_taken() {
    for name in ["configuration.md", "mcp.md", "providers.md", "routing.md"] {
        let text = fs::read_to_string(docs().join(name)).unwrap();
        let blocks = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let blocks: Vec<_> = blocks.collect();
        assert!(!blocks.is_empty(), "{name} has none");
        for block in blocks {
            let az = Az::new();
            az.file("config.toml", block).file("prices.toml", "").file("rules.toml", "");
            let path = az.work().join("config.toml");
            let az = az.with_var("AZ_CONFIG", path.to_str().unwrap());
            let ended = az.az(&["models", "list"]);
            assert_eq!(ended.code, Some(0), "{name}: {block}\n{ended:?}");
        }
    }
}

/// The table of keys in `docs/configuration.md` is made from the table in the program, and so is the schema.
/// `AZ_UPDATE_DOCS=1` writes both anew.
#[test]
fn the_keys_and_the_schema_in_the_documents_are_those_of_the_program() {
    let update = std::env::var_os("AZ_UPDATE_DOCS").is_some();
    let path = docs().join("configuration.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- keys -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let expected = format!("{before}<!-- keys -->\n{}<!-- end -->{after}", table_of_keys());
    let schema = docs().join("config.schema.json");
    let expected_schema = Az::new().ok(&["config", "schema"]);
    if update {
        fs::write(&path, &expected).unwrap();
        fs::write(&schema, &expected_schema).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), expected, "AZ_UPDATE_DOCS=1 writes it anew");
    assert_eq!(fs::read_to_string(schema).unwrap(), expected_schema);
}

fn table_of_keys() -> String {
    let mut table = String::from(
        "| key | what it sets | value | default | variable | project |\n|---|---|---|---|---|---|\n",
    );
    for (full, key) in all_keys() {
        if !key.below().is_empty() {
            continue;
        }
        let default = match key.default {
            DefaultValue::None => String::new(),
            DefaultValue::Toml(toml) => format!("`{toml}`"),
            DefaultValue::Found(words) => words.to_owned(),
        };
        let variable = key.variable.map_or_else(String::new, |name| format!("`{name}`"));
        let project = if key.harmless { "yes" } else { "" };
        let (about, kind) = (key.about, key.kind.in_words());
        let row = format!("| `{full}` | {about} | {kind} | {default} | {variable} | {project} |");
        writeln!(table, "{}", row.replace("|  |", "| |").replace("|  |", "| |")).unwrap();
    }
    table
}

/// Every variable that the program reads stands in `docs/configuration.md`.
#[test]
fn every_variable_is_documented() {
    let text = fs::read_to_string(docs().join("configuration.md")).unwrap();
    let known = az_ai::provider::known::PROVIDERS.iter();
    let of_providers = known.flat_map(|known| known.key_env.iter().chain(known.base_url_env));
    let own = ["AZ_CONFIG", "AZ_SYSTEM_CONFIG", "AZ_DATA_DIR", "AZ_MODEL", "NO_COLOR"];
    for name in of_providers.chain(&own) {
        assert!(text.contains(&format!("`{name}`")), "{name} is not documented");
    }
}

/// The page on providers has the example as it is.
#[test]
fn the_page_on_providers_is_the_example() {
    let text = fs::read_to_string(docs().join("providers.md")).unwrap();
    let example = fs::read_to_string(docs().join("../examples/custom_provider.rs")).unwrap();
    let (_, rest) = text.split_once("<!-- examples/custom_provider.rs -->\n```rust\n").unwrap();
    let (shown, _) = rest.split_once("```\n<!-- end -->").unwrap();
    assert_eq!(shown, example);
    assert!(example.lines().count() < 80, "{} lines", example.lines().count());
}

/// `az --help` and `docs/operations.md` list the exit codes that the program returns.
#[test]
fn every_exit_code_is_documented() {
    let text = fs::read_to_string(docs().join("operations.md")).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let documented: Vec<u8> = lines.filter_map(|(code, _)| code.parse().ok()).collect();
    let listed: Vec<u8> = EXIT_CODES.iter().map(|(code, _)| *code).collect();
    assert_eq!(documented, listed);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/error.rs");
    let source = fs::read_to_string(source).unwrap();
    let codes = source.lines().filter_map(|line| {
        let (_, code) = line.trim().trim_end_matches(',').split_once("=> ")?;
        code.parse::<u8>().ok()
    });
    let codes: Vec<_> = codes.collect();
    assert!(codes.len() > 10, "{codes:?}");
    for code in codes {
        assert!(listed.contains(&code), "exit code {code} is not listed");
    }
}

/// Every page of `--help` has examples that the command line accepts, and no line that is wrapped.
#[test]
fn every_page_of_help_has_examples_that_are_accepted() {
    let mut command = az_cli::cli::command();
    command.build();
    check_help(&mut command, "az");
}

fn check_help(command: &mut clap::Command, name: &str) {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (_, examples) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{name}: {help}"));
    let (examples, _) = examples.split_once("\n\n").unwrap_or((examples, ""));
    for example in
        examples.replace("\n      ", " ").lines().filter(|line| line.starts_with("  az "))
    {
        let words = shlex::split(example.trim()).unwrap();
        let words: Vec<_> =
            words.into_iter().take_while(|word| !["|", ">", "&&"].contains(&&**word)).collect();
        if let Err(error) = az_cli::cli::command().try_get_matches_from(words) {
            panic!("`{name} --help`: {example}: {error}");
        }
    }
    assert!(examples.contains("az "), "{name}: {help}");
    assert!(help.lines().all(|line| line.chars().count() < 100), "{name}: {help}");
    for sub in command.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
        let name = format!("{name} {}", sub.get_name());
        check_help(sub, &name);
    }
}
