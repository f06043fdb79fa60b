//! Known secrets reach no sink: neither the model, nor the store, nor any output.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::server::{Answer, not_found, says, serve, sse};
use crate::support::Az;

/// Sixty-four secrets: of variables, of files of keys, of the configuration, and of a proxy.
fn canaries() -> Vec<String> {
    (0..64).map(|i| format!("cnry/{i:02}+Zq{}~x", i * 7919 + 104_729)).collect()
}

/// Returns a request for a call.
fn calls(id: usize, tool: &str, arguments: &serde_json::Value) -> Answer {
    let function = json!({"name": tool, "arguments": arguments.to_string()});
    let call =
        json!({"index": 0, "id": format!("c{id}"), "type": "function", "function": function});
    let delta = json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]});
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":900,"completion_tokens":9}}"#;
    sse(&[&delta.to_string(), usage, "[DONE]"])
}

fn base64(text: &str) -> String {
    use std::io::Write;
    let mut child = std::process::Command::new("base64")
        .arg("-w0")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

fn url_encoded(text: &str) -> String {
    text.replace('/', "%2F").replace('+', "%2B")
}

/// Adds the bytes of all files below a directory.
fn all_bytes(directory: &Path, bytes: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => all_bytes(&path, bytes),
            false => bytes.push((path.display().to_string(), fs::read(&path).unwrap())),
        }
    }
}

#[test]
fn sixty_four_secrets_in_three_forms_reach_no_sink() {
    let canaries = canaries();
    let (address, requests) = {
        let asked = std::sync::Mutex::new(0);
        let secret = canaries[3].clone();
        serve(move |request| {
            if request.line.starts_with("GET ") {
                return not_found();
            }
            let mut asked = asked.lock().unwrap();
            *asked += 1;
            let command = json!({"command": "cat all.txt >&2; cat all.txt; env"});
            match *asked {
                1 => calls(1, "filesystem_read", &json!({"path": "all.txt"})),
                2 => calls(2, "shell_execute", &command),
                3 => calls(3, "filesystem_write", &json!({"path": "leak.txt", "content": secret})),
                4 => calls(4, "filesystem_read", &json!({"path": "missing/all.txt"})),
                _ => says("done"),
            }
        })
    };
    let mut az = Az::new();
    for (i, secret) in canaries.iter().enumerate().take(40) {
        az = az.with_var(&format!("CANARY_{i}_TOKEN"), secret.as_str());
    }
    let keys = az.beside("home/.config/az/keys");
    fs::create_dir_all(&keys).unwrap();
    for (i, secret) in canaries.iter().enumerate().skip(40).take(12) {
        fs::write(keys.join(format!("k{i}.key")), format!("{secret}\n")).unwrap();
    }
    let entries = canaries.iter().enumerate().skip(52).map(|(i, secret)| {
        format!("[[llm.providers]]\nname = \"e{i}\"\nprovider = \"openai-compatible\"\nmodel = \"m\"\nbase_url = \"{address}\"\napi_key = \"{secret}\"\n")
    });
    let config = entries.collect::<String>();
    fs::write(az.beside("home/.config/az/config.toml"), &config).unwrap();
    let mut forms = Vec::new();
    for secret in &canaries {
        forms.extend([secret.clone(), base64(&format!("user:{secret}")), url_encoded(secret)]);
    }
    az.file("all.txt", &forms.join("\n"));

    let run =
        az.az(&["--json", "task", "run", "show it", "--model", "e52", "--allow", "shell.execute"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let id = az.only_id();
    let mut sinks = vec![("run".to_owned(), format!("{run:?}").into_bytes())];
    for args in [
        &["task", "show", &id, "--json"][..],
        &["task", "logs", &id],
        &["task", "logs", &id, "--json"],
        &["task", "trace", &id],
        &["task", "list", "--json"],
        &["log", "show", "--limit", "1000"],
        &["log", "export", "--format", "ndjson"],
        &["task", "resume", &id],
        &["config", "get", "--all"],
        &["doctor"],
    ] {
        sinks.push((args.join(" "), format!("{:?}", az.az(args)).into_bytes()));
    }
    let sent =
        requests.lock().unwrap().iter().map(|request| request.body.to_string()).collect::<String>();
    assert!(sent.contains("[redacted]"), "the model got the output of the tools");
    sinks.push(("requests".to_owned(), sent.into_bytes()));
    all_bytes(&az.data_dir(), &mut sinks);
    let mut hits = Vec::new();
    for (sink, bytes) in &sinks {
        let text = String::from_utf8_lossy(bytes);
        for (secret, form) in
            canaries.iter().zip(forms.chunks(3)).flat_map(|(s, f)| f.iter().map(move |f| (s, f)))
        {
            // The middle of a text in base64 does not depend on what stands before it.
            let form = if form.contains("cnry") { form.as_str() } else { &form[8..form.len() - 4] };
            // The model itself wrote one of them, as the content of a file; that call was refused.
            let by_model = secret == &canaries[3] && form == secret.as_str();
            if !by_model && text.contains(form) {
                hits.push(format!("{sink}: {form}"));
            }
        }
    }
    assert_eq!(hits, [] as [String; 0]);
    assert!(!az.work().join("leak.txt").exists(), "a call with a secret in its arguments was made");
    let refused = String::from_utf8(sinks[0].1.clone()).unwrap();
    assert!(refused.contains("content contains a key or a password of this machine"), "{refused}");
}

#[test]
fn no_tool_is_called_if_the_secrets_cannot_be_searched_for() {
    let az = (0..8).fold(Az::new(), |az, i| {
        az.with_var(&format!("BIG_{i}_TOKEN"), format!("{i}%").repeat(60_000))
    });
    for args in
        [&["tools", "call", "filesystem.list", "path=."][..], &["task", "run", "list files"]]
    {
        let ended = az.az(args);
        assert_eq!(ended.code, Some(78), "{ended:?}");
        assert!(ended.stderr.contains("KiB, too much to search for"), "{ended:?}");
    }
}
