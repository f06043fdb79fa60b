//! 1,000 mutated files: none of them makes the check or a change panic.

use std::path::Path;

use az_cli::config::{ConfigFile, ConfigProblem, KeyPath, Layer};

use super::cases::cases;

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

const PIECES: [&str; 24] = [
    "\"", "'", "\"\"\"", "[", "]", "[[", "]]", "{", "}", "=", ".", ",", "#", "\n", "\r", "\\",
    "\u{0}", "é", "日", "\u{feff}", "1e999", "-", "0x", "\\u",
];

fn mutated(text: &str, numbers: &mut Numbers) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(chars.len() + 1);
        match numbers.below(4) {
            0 => chars.truncate(at),
            1 if at < chars.len() => {
                chars.remove(at);
            }
            2 => {
                let end = (at + numbers.below(30)).min(chars.len());
                let piece: Vec<_> = chars[at..end].to_vec();
                chars.splice(at..at, piece);
            }
            _ => {
                let piece = PIECES[numbers.below(PIECES.len())];
                chars.splice(at..at, piece.chars());
            }
        }
    }
    chars.into_iter().collect()
}

#[test]
fn no_mutated_file_makes_the_check_or_a_change_panic() {
    let cases = [cases("broken.txt", "? "), cases("set.txt", "$ ")].concat_cases();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let keys = ["llm.model", "llm.timeouts.idle_seconds", "llm.providers.fast.model", "shell.env"];
    let keys: Vec<_> = keys.iter().map(|key| KeyPath::parse(key).unwrap()).collect();
    let mut changed = 0;
    for round in 0..1_000 {
        let text = mutated(&cases[round % cases.len()], &mut numbers);
        let mut file = ConfigFile::read(Layer::User, Path::new("/nowhere/config.toml")).unwrap();
        file.set_text(text.clone());
        for problem in file.problems() {
            assert!(problem.location.is_some(), "{problem}: {text:?}");
            assert!(!problem.to_string().is_empty());
        }
        let key = &keys[round % keys.len()];
        let typed = if key.to_string().ends_with("seconds") { "7" } else { "x" };
        if file.set(key, typed).is_ok() {
            changed += 1;
            let syntax: Vec<_> = file.problems();
            assert!(!syntax.iter().any(ConfigProblem::is_syntax), "{text:?}: {}", file.text());
        }
        file.unset(key).ok();
    }
    assert!(changed > 100, "only {changed} files could be changed");
}

trait Texts {
    fn concat_cases(self) -> Vec<String>;
}

impl Texts for [Vec<super::cases::Case>; 2] {
    fn concat_cases(self) -> Vec<String> {
        self.into_iter().flatten().map(|case| case.text.replace('⟦', "")).collect()
    }
}
