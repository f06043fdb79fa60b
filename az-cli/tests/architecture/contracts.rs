//! Checks that every contract lists its clauses, and that every clause is tested: a scenario or a test
//! checks it, and a saboteur breaks it so that a scenario fails.
//!
//! A scenario or a test names its clauses in its documentation, as in ``Checks `TaskQueue` 3.``; a
//! saboteur names those that it breaks, as in ``Breaks `TaskQueue` 3 and `Journal` 2.``

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::{CRATES, Source, root, sources};

/// The contracts that no kit covers, with the reason. Tests of the implementations check their clauses;
/// there is no saboteur, because only a kit runs on one.
const WITHOUT_A_KIT: &[(&str, &str)] = &[
    ("AddressCheck", "which addresses are allowed differs; the tests of each list them"),
    ("Agent", "what an agent decides differs, and the engine records its effects"),
    (
        "Completer",
        "the only implementation is in `az_ai::completer`, over accounts, which have a kit",
    ),
    ("ComplexityClassifier", "only totality and speed can be checked without knowing the classes"),
    ("EmbedWire", "each implementation has a format of its own"),
    ("EventSink", "there is nothing to observe but that it returns"),
    ("ExecutionEngine", "there is one implementation, whose stores and tools have kits"),
    ("Liveness", "it depends on the processes of the machine"),
    ("ModelEffect", "the only implementation is in `az_ai::dispatch`"),
    ("ModelResolver", "models and clients differ; routers have the kit of `RoutingEngine`"),
    ("Prompt", "prompts differ; the dispatcher that calls them is tested"),
    ("ModelNames", "which names there are depends on the configuration"),
    ("ReActEngine", "there is one implementation"),
    ("ReadResults", "the engine provides the only implementation"),
    ("RecoverableTool", "a toolbox with the tool has the kit of `Toolbox`"),
    ("Resolver", "the addresses of names differ; the proxy that asks for them is tested"),
    (
        "ServeTasks",
        "the only implementation is in `az_cli::mcp_server`, whose tests run real tasks",
    ),
    ("SpawnTasks", "the engine provides the only implementation"),
    ("Tool", "a toolbox with the tool has the kit of `Toolbox`"),
    ("WebClient", "the only implementation is in `az_cli::web_client`, whose tests have a server"),
    ("Wire", "each implementation has a format of its own; its decoders have a kit"),
];

/// The clauses that a kit cannot break, with the reason. Tests check them.
const WITHOUT_A_SABOTEUR: &[(&str, u32, &str)] = &[
    ("Clock", 2, "a duty of callers: they measure no durations with it"),
    ("TaskQueue", 12, "a kit cannot damage a store"),
    ("TaskRepository", 8, "a kit cannot damage a store"),
    ("BudgetKeeper", 12, "a kit cannot damage a store"),
];

/// A clause: the contract and the number.
type Clause = (String, u32);

/// A contract as its documentation has it.
struct Contract {
    file: String,
    name: String,
    doc: Vec<String>,
}

impl Contract {
    fn clauses(&self) -> impl Iterator<Item = Clause> {
        let contract = self.doc.iter().skip_while(|line| *line != "# Contract");
        let numbers = contract.filter_map(|line| line.split_once(". ")?.0.parse().ok());
        numbers.map(|number| (self.name.clone(), number))
    }

    /// Returns the documentation without code, headings, links, and what follows the clauses.
    fn text(&self) -> String {
        let mut in_code = false;
        let without_code = self.doc.iter().filter(|line| {
            let fence = line.starts_with("```");
            in_code ^= fence;
            !in_code && !fence
        });
        let other = |line: &&String| line.starts_with("# ") && *line != "# Contract";
        let lines = without_code.take_while(|line| !other(line));
        let lines = lines.filter(|line| *line != "# Contract").map(|line| plain(line));
        lines.collect::<Vec<_>>().join("\n").replace("\n\n\n", "\n\n").trim_end().to_owned()
    }
}

/// Returns every public trait that promises something of its own.
fn contracts() -> Vec<Contract> {
    let mut contracts = Vec::new();
    for source in sources().iter().filter(|source| !source.name.contains("/testing")) {
        let lines: Vec<_> = source.production().map(|(_, line)| line).collect();
        for (i, line) in lines.iter().enumerate() {
            let Some(name) = line.strip_prefix("pub trait ") else { continue };
            let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            // Extensions, unions of contracts, and an author's typed form promise nothing of their own.
            if name.ends_with("Ext") || ["RunStore", "Store", "TypedTool"].contains(&name) {
                continue;
            }
            let above = lines.iter().take(i).rev();
            let above = above.take_while(|line| line.starts_with("///") || line.starts_with("#["));
            let mut doc: Vec<_> = above
                .filter_map(|line| line.strip_prefix("///"))
                .map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned())
                .collect();
            doc.reverse();
            let (file, name) = (source.name.clone(), name.to_owned());
            contracts.push(Contract { file, name, doc });
        }
    }
    contracts.sort_by(|a, b| (&a.file, &a.name).cmp(&(&b.file, &b.name)));
    contracts
}

/// Returns a line of documentation with links as the names that they show.
fn plain(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, after)) = link.split_once("`]") else { break };
        shown.push_str(&format!("{before}`{name}`"));
        rest = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    shown + rest
}

/// A scenario, test or saboteur that names clauses.
struct Marked {
    place: String,
    name: String,
    clauses: Vec<Clause>,
    /// What follows the name, up to the body: the scenarios that a saboteur fails.
    rest: String,
}

/// Returns everything that is documented with a sentence that begins with this verb and names clauses.
fn marked(verb: &str) -> Vec<Marked> {
    let mut found = Vec::new();
    for Source { name: file, text } in all_sources() {
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        for (i, line) in lines.iter().enumerate() {
            let Some(sentence) = line.strip_prefix("/// ") else { continue };
            let Some(sentence) = sentence.strip_prefix(&format!("{verb} `")) else { continue };
            let is_item = |line: &&str| !line.starts_with("//") && !line.starts_with("#[");
            let mut items = lines.iter().skip(i + 1).skip_while(|line| !is_item(line));
            let item = items.next().map(|line| (*line).to_owned()).unwrap_or_default();
            let rest = items.take_while(|line| !item.ends_with('{') && !line.is_empty());
            let body = format!("{item} {}", rest.copied().collect::<Vec<_>>().join(" "));
            let body = body.split('{').next().unwrap_or_default().to_owned();
            found.push(Marked {
                place: format!("{file}:{}", i + 1),
                name: name_of(&item),
                clauses: clauses_in(&format!("`{sentence}")),
                rest: body,
            });
        }
    }
    found
}

/// Returns the name of an item: the first word that is no keyword.
fn name_of(item: &str) -> String {
    let mut words = item.split(|c: char| !c.is_alphanumeric() && c != '_');
    let keywords = ["pub", "crate", "super", "async", "fn", "struct", "enum", "const", ""];
    words.find(|word| !keywords.contains(word)).unwrap_or_default().to_owned()
}

/// Returns the clauses that a sentence names: `` `A` 1, 2 and `B` 3. ``
fn clauses_in(sentence: &str) -> Vec<Clause> {
    let (mut contract, mut clauses) = (String::new(), Vec::new());
    for word in sentence.split(' ') {
        if let Some(name) = word.strip_prefix('`') {
            contract = name.trim_end_matches('`').to_owned();
        } else if let Ok(number) = word.trim_end_matches([',', '.']).parse() {
            clauses.push((contract.clone(), number));
        }
        if word.ends_with('.') {
            break;
        }
    }
    clauses
}

/// Returns all sources of the crates, tests included.
fn all_sources() -> Vec<Source> {
    let mut found = Vec::new();
    for name in CRATES {
        for folder in ["src", "tests"] {
            collect_all(&root().join(name).join(folder), &mut found);
        }
    }
    found
}

fn collect_all(dir: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(dir).expect("a source directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect_all(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            let name = path.strip_prefix(root()).expect("in the workspace").display().to_string();
            found.push(Source { name, text });
        }
    }
}

/// Returns the entries of every use of a macro: the first word of each line that ends with one of
/// `ends` and is indented by four spaces.
fn entries(macro_name: &str, ends: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for Source { name: file, text } in all_sources() {
        for block in text.split(&format!("{macro_name}! {{\n")).skip(1) {
            let block = block.split("\n}").next().unwrap_or_default();
            for line in block.lines().filter(|line| ends.iter().any(|end| line.ends_with(end))) {
                let name = line.strip_prefix("    ").filter(|line| !line.starts_with(' '));
                let is_entry = |name: &&str| {
                    name.starts_with(char::is_alphabetic)
                        && !name.contains(" for ")
                        && !name.starts_with("of ")
                };
                if let Some(name) = name.filter(is_entry) {
                    found.push((file.clone(), name_of(name)));
                }
            }
        }
    }
    found
}

/// The names of what checks or breaks each clause.
type Tests = BTreeMap<Clause, BTreeSet<String>>;

fn by_clause(marked: &[Marked]) -> Tests {
    let mut tests = Tests::new();
    for one in marked {
        for clause in &one.clauses {
            tests.entry(clause.clone()).or_default().insert(one.name.clone());
        }
    }
    tests
}

fn reason_without_a_kit(contract: &str) -> Option<&'static str> {
    WITHOUT_A_KIT.iter().find(|(name, _)| *name == contract).map(|(_, reason)| *reason)
}

fn reason_without_a_saboteur((contract, clause): &Clause) -> Option<&'static str> {
    let listed = WITHOUT_A_SABOTEUR.iter().find(|(c, n, _)| c == contract && n == clause);
    listed.map(|(_, _, reason)| *reason).or_else(|| reason_without_a_kit(contract))
}

#[test]
fn every_contract_lists_its_clauses() {
    let contracts = contracts();
    assert!(contracts.len() >= 18, "only {} contracts were found", contracts.len());
    for contract in contracts {
        let numbers: Vec<_> = contract.clauses().map(|(_, number)| number).collect();
        let count = u32::try_from(numbers.len()).expect("a few clauses");
        let (file, name) = (&contract.file, &contract.name);
        assert!(count > 0, "{file}: {name} lists no clauses");
        assert_eq!(numbers, (1..=count).collect::<Vec<_>>(), "{file}: the clauses of {name}");
    }
}

#[test]
fn every_clause_is_checked_and_broken() {
    let clauses: BTreeSet<_> = contracts().iter().flat_map(Contract::clauses).collect();
    let (checking, breaking) = (marked("Checks"), marked("Breaks"));
    let (checks, breaks) = (by_clause(&checking), by_clause(&breaking));
    let mut faults = Vec::new();
    for one in checking.iter().chain(&breaking) {
        if one.clauses.is_empty() {
            faults.push(format!("{}: {} names no clause", one.place, one.name));
        }
        for (contract, clause) in one.clauses.iter().filter(|clause| !clauses.contains(clause)) {
            faults.push(format!("{}: there is no clause {clause} of {contract}", one.place));
        }
    }
    for clause in &clauses {
        let (contract, number) = clause;
        if !checks.contains_key(clause) {
            faults.push(format!("no scenario or test checks clause {number} of {contract}"));
        }
        match (breaks.contains_key(clause), reason_without_a_saboteur(clause)) {
            (false, None) => faults.push(format!("no saboteur breaks {number} of {contract}")),
            (true, Some(_)) => faults.push(format!("a saboteur breaks {number} of {contract}")),
            _ => {}
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_scenario_and_every_saboteur_names_its_clauses() {
    let name = |one: &Marked| one.name.clone();
    let checking: BTreeSet<_> = marked("Checks").iter().map(name).collect();
    let breaking: BTreeSet<_> = marked("Breaks").iter().map(name).collect();
    let scenarios = entries("scenarios", &[";"]);
    let saboteurs = entries("saboteurs", &["{", "=> ["]);
    assert!(scenarios.len() > 200 && saboteurs.len() > 150, "{scenarios:?}\n{saboteurs:?}");
    let without = |entries: Vec<(String, String)>, marked: &BTreeSet<String>| -> Vec<_> {
        entries.into_iter().filter(|(_, name)| !marked.contains(name)).collect()
    };
    assert_eq!(without(scenarios, &checking), []);
    assert_eq!(without(saboteurs, &breaking), []);
}

/// A saboteur that breaks a clause fails a scenario that checks it.
#[test]
fn a_saboteur_fails_a_scenario_of_its_clause() {
    let checks = by_clause(&marked("Checks"));
    for one in marked("Breaks") {
        let Some((_, fails)) = one.rest.split_once("=> [") else { continue };
        let fails = fails.split(']').next().unwrap_or_default();
        let fails: BTreeSet<_> = fails.split(',').map(|name| name.trim().to_owned()).collect();
        for clause in &one.clauses {
            let none = BTreeSet::new();
            let checking = checks.get(clause).unwrap_or(&none);
            let place = &one.place;
            assert!(
                !checking.is_disjoint(&fails),
                "{place}: no scenario that {} fails checks {clause:?}",
                one.name
            );
        }
    }
}

/// `docs/contracts.md` lists what the traits promise, and the tests. `AZ_UPDATE_DOCS=1` writes it anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "set by hand after a contract changed")]
fn the_list_of_contracts_is_up_to_date() {
    let mut text = String::from(
        "# Contracts\n\nEvery contract with its numbered clauses, as its trait has them, the scenarios \
         and tests that check\neach clause, and the saboteurs that break it: implementations with a \
         fault, which the scenarios have to detect. Written\nby a test: \
         `AZ_UPDATE_DOCS=1 cargo test -p az-cli --test architecture`.\n",
    );
    let (checks, breaks) = (by_clause(&marked("Checks")), by_clause(&marked("Breaks")));
    for contract in contracts() {
        let (name, file) = (&contract.name, &contract.file);
        text.push_str(&format!("\n## `{name}`\n\n`{file}`\n\n{}\n\n", contract.text()));
        if let Some(reason) = reason_without_a_kit(name) {
            text.push_str(&format!("It has no kit: {reason}.\n\n"));
        }
        text.push_str("| clause | checked by | broken by |\n|---|---|---|\n");
        for clause in contract.clauses() {
            let listed = |tests: &Tests| {
                let names = tests.get(&clause).into_iter().flatten();
                names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            };
            let own = WITHOUT_A_SABOTEUR.iter().find(|(c, n, _)| c == name && *n == clause.1);
            let broken = own.map_or_else(|| listed(&breaks), |(_, _, reason)| (*reason).to_owned());
            text.push_str(&format!("| {} | {} | {broken} |\n", clause.1, listed(&checks)));
        }
    }
    let path = root().join("docs/contracts.md");
    if std::env::var_os("AZ_UPDATE_DOCS").is_some() {
        fs::write(&path, &text).expect("the document can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "docs/contracts.md is out of date: AZ_UPDATE_DOCS=1 writes it anew");
}
