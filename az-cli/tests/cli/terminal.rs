//! Commands at a terminal, which the `pty` module of Python makes.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::{Az, Ended};

/// Starts the command at a terminal, answers each question once it is on the screen, and prints the screen.
const SCRIPT: &str = r#"
import fcntl, json, os, pty, signal, struct, sys, termios
call = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    if call["stderr"]:
        os.dup2(os.open(call["stderr"], os.O_WRONLY | os.O_CREAT), 2)
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, call["columns"], 0, 0))
    os.chdir(call["directory"])
    os.execvpe(call["words"][0], call["words"], call["env"])
signal.alarm(60)
screen, begin = b"", 0
def more():
    global screen
    try:
        data = os.read(terminal, 4096)
    except OSError:
        data = b""
    screen += data
    return data
for question, answer in call["dialog"]:
    while question.encode() not in screen[begin:]:
        if not more():
            sys.exit("missing: " + question + " in " + screen.decode())
    # The next question may be on the screen already.
    begin = screen.index(question.encode(), begin) + len(question.encode())
    os.write(terminal, answer.encode())
while more():
    pass
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(screen)
sys.stdout.flush()
os._exit(os.waitstatus_to_exitcode(status))
"#;

/// Runs a command at a terminal; returns its exit code and the screen as standard output, or `None` on a
/// machine without Python. `dialog` is questions, or their ends, with the answers.
pub(crate) fn at_terminal(az: &Az, args: &[&str], dialog: &[(&str, &str)]) -> Option<Ended> {
    run(az, args, dialog, None, 0)
}

/// As [`at_terminal`], with this many columns.
pub(crate) fn at_terminal_of_width(az: &Az, args: &[&str], columns: u16) -> Option<Ended> {
    run(az, args, &[], None, columns)
}

/// As [`at_terminal`], with standard error redirected into a file.
pub(crate) fn with_redirected_stderr(az: &Az, args: &[&str], file: &Path) -> Option<Ended> {
    run(az, args, &[], Some(file), 0)
}

/// As [`at_terminal`], with another program.
pub(crate) fn command_at_terminal(
    az: &Az,
    command: &Command,
    dialog: &[(&str, &str)],
) -> Option<Ended> {
    run_command(az, command, dialog, None, 0)
}

fn run(
    az: &Az,
    args: &[&str],
    dialog: &[(&str, &str)],
    stderr: Option<&Path>,
    columns: u16,
) -> Option<Ended> {
    run_command(az, &az.command(args), dialog, stderr, columns)
}

fn run_command(
    az: &Az,
    command: &Command,
    dialog: &[(&str, &str)],
    stderr: Option<&Path>,
    columns: u16,
) -> Option<Ended> {
    let text = |text: &std::ffi::OsStr| text.to_str().unwrap().to_owned();
    let mut words = vec![text(command.get_program())];
    words.extend(command.get_args().map(text));
    if words[0] == "env" {
        // The test process ignores interrupts; that does not matter at a terminal.
        words.drain(..2);
    }
    let env = command.get_envs().filter_map(|(name, value)| Some((text(name), text(value?))));
    let env: serde_json::Map<_, _> = env.map(|(name, value)| (name, value.into())).collect();
    let call = json!({
        "words": words, "env": env, "directory": az.work(), "dialog": dialog, "stderr": stderr,
        "columns": columns,
    });
    let output = Command::new("python3").args(["-c", SCRIPT, &call.to_string()]).output();
    let Ok(output) = output else {
        eprintln!("skipped: no python3 on this machine");
        return None;
    };
    Some(output.into())
}
