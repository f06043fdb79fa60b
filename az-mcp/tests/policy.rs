//! Rules: which calls they allow, ask about and deny.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed test is the right outcome, and a skipped one says so"
)]

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use az_core::Task;
use az_core::policy::{ApprovalTerms, Policy, PolicyDecision};
use az_core::task::TaskOptions;
use az_core::testing::sample::task;
use az_core::testing::{Shared, policy as policy_kit};
use az_core::tool::{Access, EffectClass, Invocation, PreparedCall, ToolScope, ToolSpec};
use az_mcp::policy::{DecidedBy, Rule, RuleAction, RuleFile, RulePolicy, is_protected};
use proptest::prelude::*;
use serde_json::json;

fn tool(name: &str) -> ToolSpec {
    let (scope, effect) = match name.split('.').next() {
        Some("filesystem") => (ToolScope::Workspace, EffectClass::Probe),
        _ => (ToolScope::System, EffectClass::Unsafe),
    };
    ToolSpec::new(name, "Does something", json!({ "type": "object" }))
        .with_scope(scope)
        .with_effect(effect)
}

fn call(name: &str, accesses: Vec<Access>) -> PreparedCall {
    let arguments = json!({ "accesses": format!("{accesses:?}") });
    let invocation = Invocation::bare(name, arguments).unwrap();
    PreparedCall::new(invocation, tool(name).effect).with_accesses(accesses)
}

fn writes(path: &str) -> PreparedCall {
    call("filesystem.write", vec![Access::Write { path: path.to_owned() }])
}

fn reads(path: &str) -> PreparedCall {
    call("filesystem.read", vec![Access::Read { path: path.to_owned() }])
}

fn runs(text: &str) -> PreparedCall {
    call("shell.execute", vec![Access::Command { text: text.to_owned(), env: Vec::new() }])
}

fn connects(name: &str) -> PreparedCall {
    call("web.fetch", vec![Access::Host { name: name.to_owned() }])
}

fn in_workspace() -> Task {
    task("t", 0).with_options(TaskOptions::default().with_workspace("/work/space"))
}

/// Returns the decision about a call: `allow`, `ask` or `deny`.
fn decided(policy: &RulePolicy, call: &PreparedCall) -> &'static str {
    decided_in(policy, &in_workspace(), call)
}

fn decided_in(policy: &RulePolicy, task: &Task, call: &PreparedCall) -> &'static str {
    match policy.evaluate(task, &tool(&call.invocation.tool), call) {
        PolicyDecision::Allow => "allow",
        PolicyDecision::Ask(_) => "ask",
        PolicyDecision::Deny { .. } => "deny",
    }
}

fn rule(action: RuleAction) -> Rule {
    Rule::new(action, "az.toml:1")
}

fn of(files: Vec<Vec<Rule>>) -> RulePolicy {
    let files = files.into_iter().map(RuleFile).collect();
    RulePolicy::new(files).with_home(Some(PathBuf::from("/home/ada")))
}

#[tokio::test]
async fn a_policy_of_rules_keeps_the_contract() {
    let asks = rule(RuleAction::Ask).with_tool("test.*");
    let denies = rule(RuleAction::Deny).with_tool("test.network_*");
    let rules = [vec![], vec![vec![denies, asks]]];
    for rules in rules {
        let report = policy_kit(|| Shared::of(of(rules.clone()))).await;
        assert_eq!(report.failed(), [] as [&str; 0], "\n{report}");
    }
}

#[test]
fn the_first_rule_of_a_file_counts_and_a_denial_in_any_file() {
    let allow = || rule(RuleAction::Allow).with_command("git *");
    let deny = || rule(RuleAction::Deny).with_command("git push *");
    let ask = || rule(RuleAction::Ask).with_command("git *");
    let push = runs("git push origin");
    for (files, expected) in [
        (vec![vec![allow(), deny()]], "allow"),
        (vec![vec![deny(), allow()]], "deny"),
        (vec![vec![allow()], vec![deny()]], "deny"),
        (vec![vec![ask()], vec![deny()]], "deny"),
        (vec![vec![ask()], vec![allow()]], "ask"),
        (vec![vec![allow()], vec![ask()]], "allow"),
        (vec![vec![allow(), deny()], vec![deny()]], "deny"),
        (vec![], "ask"),
    ] {
        assert_eq!(decided(&of(files.clone()), &push), expected, "{files:?}");
    }
}

#[test]
fn the_options_of_a_task_are_rules_of_its_own() {
    let task = |allow: &[&str], deny: &[&str]| {
        let options = TaskOptions::default().with_workspace("/work/space");
        let options = options.with_allow(allow.iter().copied()).with_deny(deny.iter().copied());
        task("t", 0).with_options(options)
    };
    let policy = of(vec![vec![rule(RuleAction::Ask).with_tool("shell.execute")]]);
    for (allow, deny, call, expected) in [
        (&["shell.execute"][..], &[][..], runs("anything > here"), "allow"),
        (&["shell.execute(cargo test *)"], &[], runs("cargo test x"), "allow"),
        (&["shell.execute(cargo test *)"], &[], runs("cargo run"), "ask"),
        (&["shell.execute"], &["shell.execute(rm *)"], runs("ls; rm x"), "deny"),
        (&[], &["filesystem.write"], writes("x"), "deny"),
        (&[], &["filesystem.*(secrets/**)"], reads("secrets/deep/key"), "deny"),
        (&["filesystem.write"], &[], writes(".git/hooks/pre-commit"), "ask"),
        (&["filesystem.write(.git/hooks/**)"], &[], writes(".git/hooks/pre-commit"), "allow"),
        (&["shell.execute("], &[], runs("ls"), "ask"),
        (&["shell.execute"], &["shell.execute("], runs("ls"), "deny"),
        (&["web.fetch"], &["web.fetch(b.example)"], connects("a.example"), "allow"),
        (&["web.fetch"], &["web.fetch(b.example:80)"], connects("a.example"), "deny"),
    ] {
        let task = task(allow, deny);
        assert_eq!(decided_in(&policy, &task, &call), expected, "{allow:?} {deny:?} {call:?}");
    }
}

#[test]
fn patterns_of_paths_are_those_of_gitignore_relative_to_the_workspace() {
    let deny = |path: &str| of(vec![vec![rule(RuleAction::Deny).with_path(path)]]);
    for (pattern, path, is_denied) in [
        (".env", ".env", true),
        (".env", "deep/down/.env", true),
        (".env", "deep/.env/file", true),
        (".env", ".envrc", false),
        ("./.env", "deep/.env", false),
        ("./.env", ".env", true),
        ("*.pem", "certificates/server.pem", true),
        ("secrets/**", "secrets/a/b", true),
        ("secrets/**", "secrets", true),
        ("secrets/**", "other/secrets/a", false),
        ("secrets/", "secrets/a", true),
        ("**/secrets", "other/secrets/a", true),
        ("src/*.rs", "src/main.rs", true),
        ("src/*.rs", "src/deep/main.rs", false),
        ("src/**/*.rs", "src/deep/main.rs", true),
        ("/etc/**", "/etc/passwd", true),
        ("/work/space/x", "x", true),
        ("~/.ssh/**", "/home/ada/.ssh/id", true),
        ("~/.ssh/**", ".ssh/id", false),
        (".env", "/somewhere/else/.env", true),
        ("**", "anything", true),
        ("./**", "secrets/x", true),
        ("./", "secrets/x", true),
        (".", "secrets/x", true),
        (".", "/etc/passwd", false),
        ("/**", "secrets/x", true),
        ("/", "/etc/passwd", true),
        ("~/**", "/home/ada/x", true),
        ("~", "/home/ada/x", true),
        ("~/", "/home/adam/x", false),
    ] {
        let expected = if is_denied { "deny" } else { "allow" };
        let call = reads(path);
        assert_eq!(decided(&deny(pattern), &call), expected, "{pattern} {path}");
    }
}

#[test]
fn a_rule_that_could_match_nothing_or_means_two_things_is_a_problem() {
    let deny = || rule(RuleAction::Deny);
    for path in ["secrets//x", "a/../b", "../w/x", "/work/./x", "secrets/[**", "{secrets", "~//x"] {
        assert_eq!(deny().with_path(path).problem().map(|(key, _)| key), Some("path"), "{path}");
        let spec = format!("filesystem.*({path})");
        assert!(Rule::parse(&spec, RuleAction::Deny, "").is_err(), "{spec}");
    }
    for path in
        ["./**", "./", ".", "/", "/**", "~", "~/", "secrets/", "**/x", "[ab]/{c,d}", "a.b/..c"]
    {
        assert_eq!(deny().with_path(path).problem(), None, "{path}");
    }
    for (host, what) in [
        ("localhost:80", "without scheme, port and path"),
        ("http://localhost/", "without scheme, port and path"),
        ("localhost/", "without scheme, port and path"),
        ("local*", "without scheme, port and path"),
        ("a.*.example", "without scheme, port and path"),
        ("*.", "without scheme, port and path"),
        ("::1", "without scheme, port and path"),
        ("bücher.example", "write a domain with other letters as `xn--…`"),
        ("*.bücher.example", "write a domain with other letters as `xn--…`"),
        ("0x7f.1", "as four numbers, such as `192.0.2.1`"),
        ("127.0x1", "as four numbers, such as `192.0.2.1`"),
        ("2130706433", "as four numbers, such as `192.0.2.1`"),
        ("127.0.0.01", "as four numbers, such as `192.0.2.1`"),
        ("*.0.0.1", "as four numbers, such as `192.0.2.1`"),
    ] {
        let problem = deny().with_host(host).problem();
        let is_told = |(key, told): (&str, String)| key == "host" && told.contains(what);
        assert!(problem.clone().is_some_and(is_told), "{host}: {problem:?}");
        for tool in ["web.fetch", "web.*", "web*"] {
            let spec = format!("{tool}({host})");
            let error = Rule::parse(&spec, RuleAction::Deny, "").unwrap_err().to_string();
            assert!(error.contains(&format!("{spec:?}: the pattern must be")), "{error}");
            assert!(error.contains(what), "{error}");
        }
    }
    for host in ["*", "*.org", "localhost", "Example.ORG.", "a_b.example", "127.0.0.1", "4.example"]
    {
        assert_eq!(deny().with_host(host).problem(), None, "{host}");
        assert!(Rule::parse(&format!("web.fetch({host})"), RuleAction::Deny, "").is_ok());
    }
    assert!(Rule::parse("webapp.read(src/*)", RuleAction::Deny, "").is_ok(), "another server's");
    let both = deny().with_path("a").with_command("ls");
    assert_eq!(both.problem().map(|(key, _)| key), Some("path"));
}

#[test]
fn a_denial_of_some_calls_does_not_deny_the_others() {
    let deny = ["filesystem.read(secrets/**)", "shell.execute(rm *)"];
    let options = TaskOptions::default().with_workspace("/work/space").with_deny(deny);
    let task = task("t", 0).with_options(options);
    let policy = RulePolicy::default();
    assert_eq!(decided_in(&policy, &task, &reads("src/a")), "allow");
    assert_eq!(decided_in(&policy, &task, &reads("secrets/a")), "deny");
    assert_eq!(decided_in(&policy, &task, &runs("ls")), "ask");
}

#[test]
fn a_rule_that_allows_has_to_fit_all_that_a_call_accesses() {
    let access = |path: &str| Access::Write { path: path.to_owned() };
    let host = Access::Host { name: "example.org".to_owned() };
    let allow = of(vec![vec![rule(RuleAction::Allow).with_path("out/**")]]);
    let other = |accesses| call("other.tool", accesses);
    assert_eq!(decided(&allow, &other(vec![access("out/a"), access("out/b")])), "allow");
    assert_eq!(decided(&allow, &other(vec![access("out/a"), access("b")])), "ask");
    assert_eq!(decided(&allow, &other(vec![access("out/a"), host])), "ask");
    assert_eq!(decided(&allow, &other(vec![])), "ask", "what a tool accesses is not known");
}

#[test]
fn hosts_match_by_whole_names() {
    let allow = of(vec![vec![rule(RuleAction::Allow).with_host("*.example.org")]]);
    for (host, expected) in [
        ("api.example.org", "allow"),
        ("API.Example.Org.", "allow"),
        ("example.org", "ask"),
        ("evilexample.org", "ask"),
        ("api.example.org.evil.com", "ask"),
        (".example.org", "ask"),
    ] {
        assert_eq!(decided(&allow, &connects(host)), expected, "{host}");
    }
}

#[test]
fn a_rule_that_asks_about_a_host_is_not_satisfied_by_an_approval_of_the_tool() {
    let ask = rule(RuleAction::Ask);
    let terms = || ApprovalTerms::new("a rule asks about such calls");
    for (ask, expected) in [
        (ask.clone().with_host("example.org"), terms().per_call()),
        (ask.clone().with_host("*"), terms().per_call()),
        (ask.with_tool("web.fetch"), terms()),
    ] {
        let decision = of(vec![vec![ask]]).evaluate(
            &in_workspace(),
            &tool("web.fetch"),
            &connects("example.org"),
        );
        assert_eq!(decision, PolicyDecision::Ask(expected));
    }
}

#[test]
fn a_call_with_variables_is_not_allowed_by_its_command() {
    let allow = of(vec![vec![rule(RuleAction::Allow).with_command("ls *")]]);
    let env = vec!["LD_PRELOAD".to_owned()];
    let command = Access::Command { text: "ls".to_owned(), env };
    assert_eq!(decided(&allow, &call("shell.execute", vec![command])), "ask");
    assert_eq!(decided(&allow, &runs("ls")), "allow");
}

#[test]
fn writing_a_protected_file_needs_an_approval_of_its_own() {
    let policy = of(vec![vec![rule(RuleAction::Allow).with_tool("filesystem.*")]]);
    let about = |name: &str| {
        let reason = format!("it writes {name}, which other programs run or obey");
        PolicyDecision::Ask(ApprovalTerms::new(reason).per_call())
    };
    for (path, protected) in [
        (".git/hooks/pre-commit", ".git"),
        (".GIT/Hooks/pre-commit", ".git"),
        (".git./hooks/x", ".git"),
        ("vendor/lib/.git/config", ".git"),
        (".git/commondir", ".git"),
        ("sub/.git", ".git"),
        (".claude/settings.json", ".claude"),
        ("az.toml", "az.toml"),
        ("deep/AGENTS.md", "AGENTS.md"),
        (".envrc", ".envrc"),
        (".github/workflows/ci.yml", ".github/workflows"),
        (".gitlab-ci.yml", ".gitlab-ci.yml"),
        (".ssh/authorized_keys", ".ssh"),
    ] {
        let verdict = policy.explain(&in_workspace(), &tool("filesystem.write"), &writes(path));
        assert_eq!(verdict.by, DecidedBy::Protected(protected), "{path}");
        assert_eq!(verdict.decision, about(protected), "{path}");
        assert_eq!(decided(&policy, &reads(path)), "allow", "reading {path}");
    }
    for path in
        ["src/main.rs", ".gitignore", "e/objects/x", "hooks/x", "az.toml.bak", "git/hooks/x"]
    {
        assert_eq!(is_protected(path), None, "{path}");
        assert_eq!(decided(&policy, &writes(path)), "allow", "{path}");
    }
}

#[test]
fn a_rule_that_asks_can_have_a_time_limit_and_a_reason() {
    let mut asks = rule(RuleAction::Ask).with_command("git push *");
    asks.deny_after = Some(Duration::from_secs(3600));
    asks.reason = Some("it publishes".to_owned());
    let decision =
        of(vec![vec![asks]]).evaluate(&in_workspace(), &tool("shell.execute"), &runs("git push"));
    let terms = ApprovalTerms::new("it publishes").with_deny_after(Some(Duration::from_secs(3600)));
    assert_eq!(decision, PolicyDecision::Ask(terms.per_call()));
}

#[test]
fn a_rule_that_is_added_counts_as_the_first_of_its_file() {
    let ask = || rule(RuleAction::Ask).with_command("git *");
    let allow = || rule(RuleAction::Allow).with_command("git push *");
    let deny = || rule(RuleAction::Deny).with_command("git push *");
    let push = runs("git push origin");
    for (files, added_to, expected) in [
        (vec![vec![ask()]], 0, "allow"),
        (vec![vec![ask()], vec![]], 1, "ask"),
        (vec![vec![], vec![ask()]], 1, "allow"),
        (vec![vec![], vec![ask()], vec![deny()]], 1, "deny"),
        (vec![vec![]], 1, "allow"),
        (vec![], 0, "allow"),
        (vec![vec![ask()]], 7, "ask"),
    ] {
        let policy = of(files.clone()).adding_to(added_to);
        policy.add(allow());
        assert_eq!(decided(&policy, &push), expected, "{files:?}, added to {added_to}");
    }
}

#[test]
fn the_rule_that_allows_a_call_always_allows_this_call_and_no_other() {
    let others =
        [writes("out/b"), runs("cargo build"), runs("echo 'b c'"), connects("b.org"), writes(".")];
    for made in
        [writes("out/a"), writes("a"), runs("cargo test"), runs("echo 'a b'"), connects("a.org")]
    {
        let always = of(vec![vec![Rule::allowing(&made, "az.toml:1")]]);
        assert_eq!(decided(&always, &made), "allow", "{made:?}");
        for other in &others {
            let name = &other.invocation.tool;
            let without = decided(&RulePolicy::default(), other);
            assert_eq!(decided(&always, other), without, "{made:?} {name}");
        }
    }
    let mut made = writes(".envrc");
    made.invocation.workspace = Some("/work/space".to_owned());
    let here = of(vec![vec![Rule::allowing(&made, "az.toml:1")]]);
    let elsewhere = TaskOptions::default().with_workspace("/work/other");
    let elsewhere = task("t", 0).with_options(elsewhere);
    assert_eq!(decided(&here, &made), "allow");
    assert_eq!(decided_in(&here, &elsewhere, &made), "ask", "the file of another workspace");
    let always = of(vec![vec![Rule::allowing(&writes("a"), "az.toml:1")]]);
    let rule = |verdict: az_mcp::policy::Verdict| matches!(verdict.by, DecidedBy::Rule(_));
    let deep = always.explain(&in_workspace(), &tool("filesystem.write"), &writes("deep/a"));
    assert!(!rule(deep), "a file of the same name elsewhere");
}

/// Ways to run something else beside an allowed command, `{c}`.
const BYPASSES: &[&str] = &[
    "{c}; rm -rf x",
    "{c};rm x",
    "{c} && rm x",
    "{c}&&rm x",
    "{c} || rm x",
    "{c} | sh",
    "{c}|sh",
    "{c} |& sh",
    "{c} & rm x",
    "{c}&rm x",
    "{c} &",
    "{c}\nrm x",
    "{c}\r\nrm x",
    "{c}\rrm x",
    "{c} $(rm x)",
    "{c} `rm x`",
    "{c} \"$(rm x)\"",
    "{c} \"`rm x`\"",
    "{c} ${x:-$(rm x)}",
    "{c} $'\\x72m'",
    "{c} $\"x\"",
    "{c} <(rm x)",
    "{c} >(rm x)",
    "{c} > x",
    "{c} >> x",
    "{c} >| x",
    "{c} 2> x",
    "{c} &> x",
    "{c} < x",
    "{c} << x",
    "{c} <<< x",
    "{c} > /etc/passwd",
    "{c} \\\nrm",
    "A=1 {c}",
    "PATH=. {c}",
    "LD_PRELOAD=./x {c}",
    "BASH_ENV=x {c}",
    "env {c}",
    "sudo {c}",
    "eval {c}",
    "exec {c}",
    "command {c}",
    "builtin {c}",
    "bash -c '{c}'",
    "sh -c \"{c}\"",
    "xargs {c}",
    "nohup {c}",
    "time {c}",
    "! {c}",
    "( {c} )",
    "{ {c}; }",
    "if {c}; then rm x; fi",
    "while {c}; do rm x; done",
    "for x in {c}; do rm; done",
    "function f { {c}; }",
    "f() { {c}; }; f",
    "rm x; {c}",
    "rm x && {c}",
    "rm x | {c}",
    "rm x\n{c}",
    "$(rm x) {c}",
    "`rm x` {c}",
    "./{c}",
    "../{c}",
    "/tmp/{c}",
    "~/{c}",
    "\\{c}",
    "{c} *",
    "{c} ?",
    "{c} [a-z]",
    "{c} {a,b}",
    "{c} ~",
    "{c} # x",
    "{c} !!",
    "{c} $HOME",
    "{c} ${HOME}",
    "{c} $((1+1))",
    "{c} 'x",
    "{c} \"x",
    "{c} \\",
    "{c} \u{a0}x",
    "{c}\u{2028}rm x",
    "{c} \u{200b}",
    "\u{feff}{c}",
    "{c}\0rm x",
    "{c}\x0brm x",
    "{c} ;",
    "{c} &&",
    "&& {c}",
    "; {c}",
    "| {c}",
    "coproc {c}",
    "[[ {c} ]]",
    "(( {c} ))",
    "alias x='{c}'",
    "trap '{c}' EXIT",
    "source {c}",
    ". {c}",
    "{c} && $(rm x)",
    "cd / && {c} ; rm x",
    "{c} 2>&1 | tee x",
    "case x in x) {c};; esac",
    "select x in {c}; do rm; done",
    "{c} ^x^y",
];

/// Returns more than 500 commands that do something else beside what the rules allow.
fn bypasses() -> BTreeSet<String> {
    let allowed = ["git status", "cargo test", "ls src", "npm run build", "python -m pytest tests"];
    allowed
        .iter()
        .flat_map(|allowed| BYPASSES.iter().map(|template| template.replace("{c}", allowed)))
        .collect()
}

#[test]
fn none_of_500_attempts_to_run_something_else_is_approved_by_a_rule() {
    let allow = |pattern: &str| rule(RuleAction::Allow).with_command(pattern);
    let rules =
        ["git status *", "cargo test *", "ls src *", "npm run build *", "python -m pytest *"];
    let policy = of(vec![rules.iter().map(|pattern| allow(pattern)).collect()]);
    let attempts = bypasses();
    assert!(attempts.len() >= 500, "{}", attempts.len());
    let approved: Vec<_> =
        attempts.iter().filter(|text| decided(&policy, &runs(text)) == "allow").collect();
    assert_eq!(approved, [] as [&String; 0]);
    for allowed in ["git status -s", "cargo test && git status", "ls src | git status"] {
        let one = of(vec![vec![allow("git status *")]]);
        let each = decided(&one, &runs(allowed));
        assert_eq!(each == "allow", allowed.starts_with("git"), "{allowed}");
    }
}

/// What a shell ran: the programs with their arguments, in any order.
fn ran_by_bash(directory: &std::path::Path, text: &str) -> BTreeSet<String> {
    let log = directory.join("log");
    std::fs::write(&log, "").unwrap();
    let bash = Command::new("/bin/bash")
        .args(["--noprofile", "--norc", "-c", text])
        .env_clear()
        .env("PATH", directory.join("bin"))
        .env("LOG", &log)
        .current_dir(directory.join("empty"))
        .output();
    bash.unwrap();
    std::fs::read_to_string(&log).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn what_a_rule_approves_runs_the_allowed_program_alone_in_a_real_shell() {
    if !std::path::Path::new("/bin/bash").exists() {
        println!("skipped: there is no /bin/bash");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for name in ["bin", "empty"] {
        std::fs::create_dir(directory.path().join(name)).unwrap();
    }
    for program in ["good", "evil"] {
        let path = directory.path().join("bin").join(program);
        // One write for each line: the parts of a pipe run at the same time.
        let script = format!(
            "#!/bin/bash\nline=$(printf ' %q' \"$@\")\necho \"{program}$line\" >>\"$LOG\"\n"
        );
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let policy = of(vec![vec![rule(RuleAction::Allow).with_command("good *")]]);
    let pieces = [
        "good",
        " ",
        " ",
        "evil",
        "a",
        "-x",
        "'",
        "\"",
        "\\",
        ";",
        "&&",
        "||",
        "|",
        "&",
        "$",
        "`",
        "(",
        ")",
        "{",
        "}",
        "<",
        ">",
        "\n",
        "#",
        "=",
        "~",
        "*",
        "!",
        "é",
        "\t",
        "good a",
        " good ",
        " && good ",
    ];
    let text = prop::collection::vec(prop::sample::select(pieces.to_vec()), 1..8);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 60_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let approved = std::cell::Cell::new(0);
    runner
        .run(&text, |pieces| {
            let text = format!("good {}", pieces.concat());
            if decided(&policy, &runs(&text)) == "allow" && approved.get() < 300 {
                approved.set(approved.get() + 1);
                let ran = ran_by_bash(directory.path(), &text);
                let others: Vec<_> = ran.iter().filter(|line| !line.starts_with("good")).collect();
                prop_assert!(others.is_empty(), "{text:?} also ran {others:?}");
                prop_assert!(!ran.is_empty(), "{text:?} ran nothing");
                let made = std::fs::read_dir(directory.path().join("empty")).unwrap().count();
                prop_assert_eq!(made, 0, "{:?} wrote a file", text);
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(approved.get(), 300, "approved commands that were tried");
}
