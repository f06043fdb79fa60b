//! Recognizes that a command failed because it asked for input at a terminal.

/// What programs print if they need a password or a confirmation and there is no terminal, in
/// lower case.
const SIGNS: [&str; 22] = [
    "a terminal is required",
    "a password is required",
    "no tty present",
    "must be run from a terminal",
    "not a terminal",
    "not a tty",
    "inappropriate ioctl for device",
    "/dev/tty",
    "terminal prompts disabled",
    "could not read username",
    "could not read password",
    "host key verification failed",
    "permission denied (publickey",
    "permission denied (password",
    "permission denied (keyboard-interactive",
    "can't open terminal",
    "cannot open terminal",
    "can not control echo",
    "askpass",
    "passphrase:",
    "eof when reading a line",
    "cannot prompt",
];

/// The note for the model.
pub(super) const NOTE: &str = "[the command seems to have asked for a password or an answer at a \
     terminal; commands have no terminal and no input. Use a form that needs neither, such as \
     `sudo -n`, a key, a token or `--yes`, or say what the person has to do]";

/// Returns whether the output of a failed command says that it needed input.
pub(super) fn is_in(output: &str) -> bool {
    let output = output.to_lowercase();
    SIGNS.iter().any(|sign| output.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::is_in;

    #[test]
    fn messages_of_programs_without_a_terminal_are_recognized() {
        for message in [
            "sudo: a terminal is required to read the password; either use the -S option",
            "sudo: a password is required",
            "fatal: could not read Username for 'https://example.com': terminal prompts disabled",
            "Host key verification failed.",
            "me@host: Permission denied (publickey,password).",
            "sh: 1: cannot open /dev/tty: No such device or address",
            "su: must be run from a terminal",
            "EOFError: EOF when reading a line",
        ] {
            assert!(is_in(message), "{message}");
        }
        for message in ["cat: x: Permission denied", "test failed", ""] {
            assert!(!is_in(message), "{message}");
        }
    }
}
