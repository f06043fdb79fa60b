//! Everyday commands that have to work in every sandbox, with the user's toolchains.

use std::fs;
use std::path::Path;
use std::process::Command;

use az_mcp::sandbox::SandboxTier;

use crate::support::{Home, tiers};

/// A command that has to work: a name, the programs that it needs, the files that it finds in the
/// workspace, and the command, which prints `worked` at its end.
pub(crate) type Example =
    (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)], &'static str);

const CRATE: &[(&str, &str)] = &[
    ("Cargo.toml", "[package]\nname = \"example\"\nedition = \"2021\"\n[lib]\npath = \"lib.rs\"\n"),
    ("lib.rs", "#[test]\nfn one() { assert_eq!(std::env::temp_dir().is_dir(), true); }\n"),
];
const NPM: &[(&str, &str)] = &[
    (
        "package.json",
        "{\"name\": \"example\", \"version\": \"1.0.0\", \"scripts\": {\"test\": \"node test.js\"}}",
    ),
    ("test.js", "require('assert').equal(require('os').tmpdir(), process.env.TMPDIR)"),
];
const PYTHON: &[(&str, &str)] = &[
    (
        "setup.py",
        "from setuptools import setup\nsetup(name='example', version='1', py_modules=['example'])\n",
    ),
    ("example.py", "answer = 42\n"),
    (
        "test_example.py",
        "import example, unittest\nclass Test(unittest.TestCase):\n    def test(self): self.assertEqual(example.answer, 42)\n",
    ),
];
const C: &[(&str, &str)] = &[
    ("Makefile", "all: main\n\t./main\nmain: main.c\n\tcc -o main main.c\n"),
    ("main.c", "#include <stdio.h>\nint main(void) { puts(\"worked\"); return 0; }\n"),
];

pub(crate) const EXAMPLES: &[Example] = &[
    ("cargo build", &["cargo"], CRATE, "cargo build --offline -q && echo worked"),
    ("cargo test", &["cargo"], CRATE, "cargo test --offline -q && echo worked"),
    (
        "git commit",
        &["git"],
        &[],
        "git init -q . && git config user.name a && git config user.email a@b && echo x > new && \
         git add new && git commit -qm one && git log --oneline | grep -q one && echo worked",
    ),
    (
        "git merge and stash",
        &["git"],
        &[],
        "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b; \
         git init -qb main . && git commit -qm one --allow-empty && git checkout -qb other && \
         echo x > new && git add . && git commit -qm two && git checkout -q main && \
         git merge -q other && echo y > new && git stash -q && git gc -q && git status --short && \
         echo worked",
    ),
    (
        "git commit in a linked work tree",
        &["git"],
        &[],
        "git commit -qm two --allow-empty && git log --oneline | grep -q two && echo worked",
    ),
    ("npm test", &["npm", "node"], NPM, "npm test --silent && echo worked"),
    (
        "node with a worker and a child",
        &["node"],
        &[],
        "node -e 'const {Worker} = require(\"worker_threads\"); \
         const {execFileSync} = require(\"child_process\"); \
         new Worker(\"0\", {eval: true}).on(\"exit\", () => \
         console.log(String(execFileSync(\"echo\", [\"worked\"]))))'",
    ),
    (
        "pip install -e .",
        &["python3", "pip3"],
        PYTHON,
        "python3 -m venv --system-site-packages --without-pip venv && . venv/bin/activate && \
         python3 -m pip install -q --no-index --no-build-isolation -e . && cd / && \
         python3 -c 'import example; assert example.answer == 42' && echo worked",
    ),
    ("python -m unittest", &["python3"], PYTHON, "python3 -m unittest -q 2>&1 && echo worked"),
    (
        "python -m venv",
        &["python3"],
        &[],
        "python3 -m venv --without-pip venv && venv/bin/python -c 'print(\"worked\")'",
    ),
    (
        "python with processes",
        &["python3"],
        &[(
            "pool.py",
            "from multiprocessing import Pool\nif __name__ == '__main__':\n    print(Pool(2).map(str, [1]) == ['1'] and 'worked')\n",
        )],
        "python3 pool.py",
    ),
    (
        "python with subprocesses",
        &["python3"],
        &[],
        "python3 -c 'import subprocess; print(subprocess.check_output([\"echo\", \"worked\"], text=True))'",
    ),
    ("make and gcc", &["make", "gcc"], C, "make -s"),
    ("a file in /tmp", &["bash"], &[], "echo worked > /tmp/file && cat /tmp/file"),
    (
        "sqlite3",
        &["sqlite3"],
        &[],
        "sqlite3 db 'pragma journal_mode=wal; create table t (a); insert into t values (1); select \"worked\" from t'",
    ),
    (
        "tar",
        &["tar", "gzip"],
        &[("a/b", "x")],
        "tar czf a.tgz a && mkdir c && tar xzf a.tgz -C c && diff -r a c/a && echo worked",
    ),
    ("xz", &["xz"], &[("a", "x")], "xz a && unxz a.xz && cat a && echo worked"),
    (
        "zip",
        &["zip", "unzip"],
        &[("a", "x")],
        "zip -q a.zip a && rm a && unzip -q a.zip && cat a && echo worked",
    ),
    (
        "patch",
        &["patch", "diff"],
        &[("a", "1\n"), ("b", "2\n")],
        "diff -u a b > p; patch -s a p && cmp a b && echo worked",
    ),
    (
        "find, sed, awk, sort, xargs",
        &["find", "sed", "awk"],
        &[("a", "2\n1\n")],
        "find . -type f | xargs sed -i s/2/3/ && sort -S 1k -R a | sort | awk 'NR==2 {print $1}' | grep -q 3 && echo worked",
    ),
    (
        "mktemp, here documents, process substitution",
        &["bash"],
        &[],
        "f=$(mktemp) && cat > $f <<X && diff $f <(echo text) && echo worked\ntext\nX",
    ),
    ("perl", &["perl"], &[], "perl -e 'use File::Temp \"tempfile\"; tempfile(); print \"worked\"'"),
    ("zsh", &["zsh"], &[], "zsh -c 'print worked'"),
    ("openssl", &["openssl"], &[], "openssl rand -hex 8 && echo worked"),
    (
        "ps and kill",
        &["ps"],
        &[],
        "sleep 100 & ps -o pid= -p $! && kill $! && wait $!; echo worked",
    ),
    ("timeout, nice, env", &["timeout"], &[], "timeout 5 nice -n 5 env A=1 sh -c 'echo worked'"),
    (
        "a server in the background",
        &["python3"],
        &[],
        "python3 -u -m http.server -b 127.0.0.1 0 > log 2>&1 & \
         for i in $(seq 100); do grep -o 'port [0-9]*' log && break; sleep 0.05; done; \
         port=$(grep -o 'port [0-9]*' log | cut -c 6-); \
         python3 -c \"import urllib.request as r; r.urlopen('http://127.0.0.1:$port'); print('worked')\"",
    ),
];

/// The example that needs a repository outside of the workspace.
const LINKED: &str = "git commit in a linked work tree";

/// Makes a workspace the linked work tree of a repository beside it.
fn link_work_tree(workspace: &Path) {
    fs::remove_dir(workspace).unwrap();
    let script = "git init -q main && cd main && git config user.name a && \
                  git config user.email a@b && git commit -qm one --allow-empty && \
                  git worktree add -q ../project";
    let mut make = Command::new("sh");
    make.args(["-c", script]).current_dir(workspace.parent().unwrap());
    assert!(make.status().unwrap().success());
}

/// What does not work in a tier, with the reason.
pub(crate) const MISSING: &[(SandboxTier, &str, &str)] = &[
    (
        SandboxTier::Landlock,
        "a file in /tmp",
        "all users share `/tmp`; `$TMPDIR` is the directory for temporary files",
    ),
    (
        SandboxTier::Landlock,
        "python with processes",
        "`/dev/shm` is shared with other programs, so that semaphores cannot be created in it",
    ),
    (
        SandboxTier::Landlock,
        "a server in the background",
        "it needs a socket, and works with `sandbox.network = \"on\"`",
    ),
];

fn is_installed(program: &str) -> bool {
    let home = std::env::home_dir().unwrap_or_default();
    let places = ["/usr/local/bin", "/usr/bin", "/bin"].map(Into::into);
    places.iter().chain([&home.join(".cargo/bin")]).any(|place| Path::join(place, program).exists())
}

/// Runs an example with the real home directory; returns what it printed if it failed.
async fn failure(home: Home, example: &Example) -> Option<String> {
    let (name, _, files, command) = example;
    let own = std::env::home_dir().unwrap();
    let path = format!("{}/.cargo/bin:/usr/local/bin:/usr/bin:/bin", own.display());
    let home = home.with_env("HOME", own.to_str().unwrap()).with_env("PATH", &path);
    let workspace = home.at("");
    fs::remove_dir_all(&workspace).unwrap();
    fs::create_dir(&workspace).unwrap();
    if *name == LINKED {
        link_work_tree(&workspace);
    }
    for (name, text) in *files {
        fs::create_dir_all(home.at(name).parent().unwrap()).unwrap();
        fs::write(home.at(name), text).unwrap();
    }
    let output = home.run(command).await;
    let text = output.text();
    (!output.ok || !text.contains("worked")).then(|| text.into_owned())
}

#[tokio::test]
async fn everyday_commands_work_in_every_sandbox() {
    assert!(EXAMPLES.len() >= 20);
    let mut wrong = Vec::new();
    for tier in tiers() {
        for example in EXAMPLES {
            let (name, programs, ..) = example;
            if let Some(missing) = programs.iter().find(|program| !is_installed(program)) {
                eprintln!("skipped: {name}: {missing} is not installed");
                continue;
            }
            let listed = MISSING.iter().any(|(of, what, _)| (*of, *what) == (tier, *name));
            match failure(Home::new(tier), example).await {
                Some(text) if !listed => wrong.push(format!("{tier}: {name}: {text}")),
                None if listed => wrong.push(format!("{tier}: {name}: it works, although listed")),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_server_works_in_every_sandbox_with_network_access() {
    let server = EXAMPLES.iter().find(|(name, ..)| *name == "a server in the background").unwrap();
    for tier in tiers() {
        assert_eq!(failure(Home::new(tier).with_network(), server).await, None, "{tier}");
    }
}
