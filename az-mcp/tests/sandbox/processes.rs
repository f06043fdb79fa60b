//! Processes that try to outlive their task, and long output.

use std::time::{Duration, Instant};

use az_core::tool::Toolbox;
use az_mcp::sandbox::SandboxTier;
use serde_json::json;

use crate::support::{Home, is_running, tiers};

/// Scripts that leave a process that sleeps for `{seconds}`, and take it out of the process group,
/// the session and the tree of the command.
const SCRIPTS: [(&str, &str); 5] = [
    ("double fork", "(sleep {seconds} & sleep {seconds} &) > /dev/null 2>&1"),
    ("setsid", "setsid sleep {seconds} > /dev/null 2>&1 < /dev/null &"),
    ("nohup and disown", "nohup sleep {seconds} > /dev/null 2>&1 & disown"),
    (
        "daemon",
        "python3 -c 'import os\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n  \
         os.chdir(\"/\"); [os.close(n) for n in range(3)]; \
         os.execvp(\"sleep\", [\"sleep\", \"{seconds}\"])\n os._exit(0)\nos.wait()'",
    ),
    (
        "fork chain",
        "f() { [ $1 -gt 0 ] && (f $(($1 - 1)) &) || setsid sleep {seconds}; }; f 10 > /dev/null 2>&1; \
         sleep 0.1",
    ),
];

#[tokio::test]
async fn a_second_after_the_end_of_a_task_none_of_its_processes_is_alive() {
    let mut alive = Vec::new();
    for tier in [tiers(), vec![SandboxTier::None]].concat() {
        for (number, (name, script)) in SCRIPTS.iter().enumerate() {
            let home = Home::new(tier);
            let seconds = format!("{}.{number}", 200_000_000 + std::process::id());
            let call = home.call(&script.replace("{seconds}", &seconds));
            home.tools().call(call).await.unwrap();
            let begun = Instant::now();
            while !is_running(&seconds) {
                assert!(begun.elapsed() < Duration::from_secs(10), "{tier}: {name} did not start");
                tokio::task::yield_now().await;
            }
            let ended = Instant::now();
            home.tools().end_background(&home.task).await.unwrap();
            while is_running(&seconds) && ended.elapsed() < Duration::from_secs(1) {
                tokio::task::yield_now().await;
            }
            if is_running(&seconds) {
                alive.push(format!("{tier}: {name}"));
            }
        }
    }
    assert_eq!(alive, Vec::<String>::new());
}

#[tokio::test]
async fn files_for_temporary_use_live_as_long_as_the_task() {
    for tier in tiers() {
        let home = Home::new(tier);
        let run = async |command: &str| {
            home.tools().call(home.call(command)).await.unwrap().text().into_owned()
        };
        assert_eq!(run("echo kept > $TMPDIR/file").await, "[no output]", "{tier}");
        assert_eq!(run("cat $TMPDIR/file").await, "kept", "{tier}");
        home.tools().end_background(&home.task).await.unwrap();
        let left = std::fs::read_dir(home.path().join("temp/az")).unwrap().flatten();
        let mut left: Vec<_> = left.map(|it| it.file_name().into_string().unwrap()).collect();
        left.sort();
        // What all sandboxes of the user share stays.
        let shared = ["empty", "running.lock", "starting.lock"];
        let expect: &[&str] = if tier == SandboxTier::Bwrap { &shared } else { &[] };
        assert_eq!(left, expect, "{tier}");
    }
}

/// `bwrap` runs outside of the sandbox that it creates.
#[tokio::test]
async fn variables_of_a_call_do_not_change_the_sandbox() {
    for tier in tiers() {
        let home = Home::new(tier);
        let source = "#include <stdio.h>\n#include <stdlib.h>\n__attribute__((constructor)) \
                      void run(void) { char path[4096]; snprintf(path, 4096, \"%s/escaped\", \
                      getenv(\"TARGET\")); FILE *f = fopen(path, \"w\"); if (f) fclose(f); }\n";
        std::fs::write(home.at("evil.c"), source).unwrap();
        let built = home.run("gcc -shared -fPIC -o evil.so evil.c").await;
        assert!(built.ok, "{}", built.text());
        let target = home.path().to_str().unwrap();
        let library = home.at("evil.so");
        let env = json!({"LD_PRELOAD": library.to_str().unwrap(), "TARGET": target});
        let mut call = home.call("true");
        call.arguments = json!({"command": "true", "env": env});
        assert!(home.tools().call(call).await.unwrap().ok);
        assert!(!home.path().join("escaped").exists(), "{tier}");
    }
}
