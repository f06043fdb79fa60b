//! Rules about tool calls: in files, as options, and as answers at a terminal.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use crate::support::{Az, script};
use crate::terminal::at_terminal;

/// The task that runs a command.
fn running(command: &str) -> String {
    format!("run \"{command}\"")
}

fn user_file(az: &Az) -> std::path::PathBuf {
    az.beside("home/.config/az/config.toml")
}

fn with_user_file(text: &str) -> Az {
    let az = Az::new();
    let path = user_file(&az);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    az
}

const TOUCH: &str =
    "[[tools.rules]]\naction = \"allow\"\ntool = \"shell.execute\"\ncommand = \"touch *\"\n";

#[test]
fn a_rule_allows_simple_commands_and_nothing_beside_them() {
    let az = with_user_file(TOUCH);
    az.ok(&["task", "run", &running("touch a.txt && touch b.txt")]);
    for command in ["touch c.txt; ls", "touch d.txt > e.txt", "touch $HOME", "ls"] {
        let ended = az.az(&["task", "run", &running(command)]);
        assert_eq!(ended.code, Some(77), "{command}: {ended:?}");
    }
    let names = fs::read_dir(az.work()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["a.txt", "b.txt"]);
}

#[test]
fn a_denied_call_is_not_made_although_another_rule_allows_it() {
    let deny = "\n[[tools.rules]]\naction = \"deny\"\npath = \"secrets\"\nreason = \"keep out\"\n";
    let az = with_user_file(&format!("{TOUCH}{deny}"));
    fs::create_dir(az.work().join("secrets")).unwrap();
    az.file("secrets/key", "value");
    symlink("secrets/key", az.work().join("link")).unwrap();
    for (task, reason) in [
        ("read secrets/key", "not allowed: keep out"),
        ("write \"x\" to secrets/new", "not allowed: keep out"),
        ("read link", "leads to secrets/key, which is not allowed: keep out"),
    ] {
        let ended = az.az(&["task", "run", task, "--allow", "filesystem.read,filesystem.write"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains(reason), "{task}: {ended:?}");
        assert!(!ended.stdout.contains("value"), "{ended:?}");
    }
    let denied = az.az(&["task", "run", &running("touch x"), "--deny", "shell.execute(touch *)"]);
    assert_eq!(denied.code, Some(1), "{denied:?}");
    assert!(!az.work().join("x").exists() && !az.work().join("secrets/new").exists());
}

#[test]
fn a_protected_file_is_written_only_with_an_approval_that_names_it() {
    let az = Az::new();
    fs::create_dir_all(az.work().join(".git/hooks")).unwrap();
    symlink(".git/hooks", az.work().join("tools")).unwrap();
    let task = "write \"x\" to .git/hooks/pre-commit";
    for allow in [&[][..], &["--allow", "filesystem.write"]] {
        let ended = az.az(&[&["task", "run", task], allow].concat());
        assert_eq!(ended.code, Some(77), "{ended:?}");
        assert!(ended.stderr.contains("it writes .git,"), "{ended:?}");
    }
    let linked = az.az(&["task", "run", "write \"x\" to tools/pre-commit"]);
    assert_eq!(linked.code, Some(1), "{linked:?}");
    assert!(
        linked.stderr.contains("leads to .git/hooks/pre-commit, which needs approval"),
        "{linked:?}"
    );
    assert_eq!(fs::read_dir(az.work().join(".git/hooks")).unwrap().count(), 0);
    az.ok(&["task", "run", task, "--allow", "filesystem.write(.git/hooks/**)"]);
    assert_eq!(az.read(".git/hooks/pre-commit"), "x");
}

#[test]
fn the_rules_of_a_project_count_once_it_is_trusted() {
    let az = Az::new();
    az.file("az.toml", TOUCH);
    let task = running("touch a.txt");
    assert_eq!(az.az(&["task", "run", &task]).code, Some(77));
    az.ok(&["config", "trust", "--yes"]);
    az.ok(&["task", "run", &task]);
    let deny = "[[tools.rules]]\naction = \"deny\"\ncommand = \"touch *\"\n";
    fs::create_dir_all(user_file(&az).parent().unwrap()).unwrap();
    fs::write(user_file(&az), deny).unwrap();
    assert_eq!(az.az(&["task", "run", &task]).code, Some(1), "the user's denial counts");
}

#[test]
fn an_approval_at_a_terminal_holds_once_for_the_task_or_always() {
    let end = "[y/t/a/n]";
    let twice = "run \"ls -a\" then run \"ls -a\"";
    let az = Az::new();
    let Some(ended) = at_terminal(&az, &["task", "run", twice], &[(end, "y\n"), (end, "n\n")])
    else {
        return;
    };
    assert_eq!(ended.code, Some(1), "the second call was denied: {ended:?}");
    for shown in [
        "shell.execute command=\"ls -a\"",
        "it can read and change anything that you can; allow this call?",
        "  t  all calls of shell.execute by this task",
        "  a  always: allow shell.execute, command \"ls -a\"",
    ] {
        assert!(ended.stdout.contains(shown), "{shown}: {ended:?}");
    }
    let ended = at_terminal(&az, &["task", "run", twice], &[(end, "t\n")]).unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!user_file(&az).exists());
    let ended = at_terminal(&az, &["task", "run", twice], &[(end, "a\n")]).unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let kept =
        "[[tools.rules]]\naction = \"allow\"\ntool = \"shell.execute\"\ncommand = \"ls -a\"\n";
    assert_eq!(fs::read_to_string(user_file(&az)).unwrap(), kept);
    az.ok(&["task", "run", twice]);
    assert_eq!(az.az(&["task", "run", &running("ls -al")]).code, Some(77), "another command");
}

#[test]
fn a_question_that_was_not_answered_in_time_is_closed() {
    let az = Az::new();
    fs::create_dir_all(user_file(&az).parent().unwrap()).unwrap();
    let rule = "[[tools.rules]]\naction = \"ask\"\ncommand = \"ls -a\"\ndeny_after = \"4s\"\n";
    fs::write(user_file(&az), rule).unwrap();
    let call = |command: &str| json!({"name": "shell.execute", "arguments": {"command": command}});
    let replies = [call("ls -a"), call("echo x > out")].map(|call| json!({"calls": [call]}));
    let model = script(&az, &[&replies[..], &[json!({"text": "done"})]].concat());
    // The beginning of an answer to the first question is none to the second.
    let dialog =
        [("[y/a/n]", "y\x04"), ("no answer is needed any more]", ""), ("[y/t/a/n]", "y\n")];
    let args = ["task", "run", "twice", "--model", &model];
    let Some(ended) = at_terminal(&az, &args, &dialog) else { return };
    assert_eq!((ended.code, az.read("out").as_str()), (Some(0), "x\n"), "{ended:?}");
}

#[test]
fn a_call_that_writes_a_protected_file_is_asked_about_each_time() {
    let az = Az::new();
    let twice = "write \"a\" to .envrc then write \"b\" to .envrc";
    let dialog = [("[y/a/n]", "y\n"), ("[y/a/n]", "y\n")];
    let Some(ended) = at_terminal(&az, &["task", "run", twice], &dialog) else { return };
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(az.read(".envrc"), "b");
}

#[test]
fn a_rule_that_cannot_be_meant_is_refused_with_its_place() {
    for (text, code, expected) in [
        ("[[tools.rules]]\naction = \"alow\"\n", 78, "config.toml:2:10"),
        ("[[tools.rules]]\ntool = \"shell.execute\"\n", 78, "the key `action` is missing"),
        (
            "[[tools.rules]]\naction = \"allow\"\ncommand = \"* x\"\n",
            78,
            "config.toml:3:11: tools.rules[0].command: must begin with the name of a program",
        ),
        (
            "[[tools.rules]]\naction = \"deny\"\nhost = \"https://a.example/\"\n",
            78,
            "config.toml:3:8: tools.rules[0].host: must be the name of a host, such as",
        ),
        (
            "[[tools.rules]]\naction = \"deny\"\ndeny_after = \"1h\"\n",
            78,
            "is of use only with `action = \"ask\"`",
        ),
        ("a = 1\n".trim_start_matches("a = 1\n"), 77, ""),
        (
            "\n[[tools.rules]]\naction = \"deny\"\ntool = \"shel.execute\"\n",
            78,
            "config.toml:2:1: tools.rules: no tool is named \"shel.execute\"",
        ),
    ] {
        let az = with_user_file(text);
        let ended = az.az(&["task", "run", &running("ls")]);
        assert_eq!(ended.code, Some(code), "{text}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{text}: {ended:?}");
    }
    let az = Az::new();
    for (rule, expected) in [
        ("shel.execute", "did you mean shell.execute?"),
        ("shell.execute(", "must be the name of a tool, or TOOL(PATTERN)"),
        ("shell.execute()", "must be the name of a tool, or TOOL(PATTERN)"),
        ("", "must be the name of a tool, or TOOL(PATTERN)"),
        (
            "web.fetch(localhost:80)",
            "\"web.fetch(localhost:80)\": the pattern must be the name of a host",
        ),
    ] {
        let ended = az.az(&["task", "run", &running("ls"), "--allow", rule]);
        assert_eq!(ended.code, Some(2), "{rule}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{rule}: {ended:?}");
    }
}

#[test]
fn a_check_says_what_would_happen_and_which_rule_says_so_without_making_the_call() {
    let az = with_user_file(&format!("# mine\n{TOUCH}"));
    let check = |args: &[&str]| {
        let text = az.ok(&[&["tools", "policy", "check", "--format", "json"], args].concat());
        let verdict: serde_json::Value = serde_json::from_str(&text).unwrap();
        (verdict["decision"].as_str().unwrap().to_owned(), verdict["source"].clone())
    };
    let file = serde_json::Value::from(format!("{}:2:1", user_file(&az).display()));
    let none = serde_json::Value::Null;
    let touch = r#"{"command": "touch x"}"#;
    assert_eq!(check(&["shell.execute", touch]), ("allow".to_owned(), file));
    assert_eq!(check(&["shell.execute", "command=ls"]), ("ask".to_owned(), none.clone()));
    let hooks = ["filesystem.write", "path=.git/hooks/x", "content=x"];
    assert_eq!(check(&hooks), ("ask".to_owned(), none));
    let denied = check(&["shell.execute", touch, "--deny", "shell.execute(touch *)"]);
    assert_eq!(denied, ("deny".to_owned(), "--deny shell.execute(touch *)".into()));
    let text =
        az.ok(&["tools", "policy", "check", "filesystem.write", "path=az.toml", "content=x"]);
    assert_eq!(
        text,
        "ask  filesystem.write\n  reason     it writes az.toml, which other programs run or obey\n  \
         protected  az.toml\n  approval   for each call by itself\n"
    );
    assert_eq!(fs::read_dir(az.work()).unwrap().count(), 0, "nothing was called");
    for (args, code) in
        [(&["filesystem.wirte"][..], 66), (&["filesystem.write", "{\"path\": }"], 2)]
    {
        let ended = az.az(&[&["tools", "policy", "check"], args].concat());
        assert_eq!(ended.code, Some(code), "{ended:?}");
    }
}
