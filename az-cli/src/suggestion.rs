//! Commands that messages suggest, as they are typed at a shell.

use az_core::Usd;
use az_core::cost::{Period, Scope};

/// Returns the command that sets the amount of a budget. It repeats the alerts: a budget that is set
/// without them gets the default ones.
pub(crate) fn set_budget(scope: &Scope, period: Period, amount: Usd, alerts: &[u8]) -> String {
    let amount = amount_in_cents(amount);
    let mut command = format!("az cost budget set --amount {amount} --period {period}");
    match scope {
        Scope::Global => {}
        Scope::Payer(payer) => {
            command.push_str(&format!(" --payer {}", quoted(&payer.to_string())));
        }
        Scope::Model(name) => command.push_str(&format!(" --scope model --of {}", quoted(name))),
    }
    if !alerts.is_empty() {
        let alerts: Vec<_> = alerts.iter().map(u8::to_string).collect();
        command.push_str(&format!(" --alert {}", alerts.join(",")));
    }
    command
}

/// Returns an amount as it is typed, rounded up to the cent.
fn amount_in_cents(amount: Usd) -> String {
    const CENT: i64 = 10_000_000;
    let cents = amount.nanos().div_euclid(CENT);
    let up = i64::from(amount.nanos().rem_euclid(CENT) > 0);
    let rounded = Usd::from_nanos(cents.saturating_add(up).saturating_mul(CENT));
    rounded.to_string().trim_start_matches('$').to_owned()
}

/// Returns a word quoted for a shell. A NUL, which no argument can have, is left out.
pub(crate) fn quoted(word: &str) -> String {
    let word = word.replace('\0', "");
    shlex::try_quote(&word).map_or_else(|_| word.clone(), |quoted| quoted.into_owned())
}

/// Checks that every command in a text, which stands between backticks, is one that the command line
/// accepts; returns how many there are.
#[cfg(test)]
#[track_caller]
pub(crate) fn assert_commands_parse(text: &str) -> usize {
    use clap::Parser;

    let commands = text.split('`').skip(1).step_by(2).filter(|quoted| quoted.starts_with("az "));
    let parse = |command: &str| {
        let words = shlex::split(command).unwrap();
        // The help of a command is an error to clap, but not one of the command.
        if let Err(error) = crate::cli::Cli::try_parse_from(words)
            && error.use_stderr()
        {
            panic!("`{command}` is not accepted: {error}");
        }
    };
    commands.map(parse).count()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use az_core::Usd;
    use az_core::cost::{Period, Scope};
    use clap::Parser;
    use clap::error::ErrorKind;

    use super::{assert_commands_parse, set_budget};
    use crate::cli::Cli;

    /// Calls `check` with every source file below a directory.
    fn sources(directory: &Path, check: &mut dyn FnMut(&Path, &str)) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, check);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                check(&path, &fs::read_to_string(&path).unwrap());
            }
        }
    }

    /// Returns the commands in a source file, with values in place of what is formatted into them.
    fn commands(source: &str) -> Vec<String> {
        let lines = source.lines().map(|line| line.trim().trim_start_matches(['/', '!']).trim());
        let text: Vec<_> = lines.map(|line| line.trim_end_matches('\\').trim_end()).collect();
        let text = text.join(" ");
        let begins = text.match_indices("`az ").map(|(at, _)| at + 1);
        let commands = begins.filter_map(|at| text.get(at..)?.split('`').next().map(str::to_owned));
        let filled = commands.map(|command| {
            let (mut filled, mut depth) = (String::new(), 0);
            for c in command.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => {
                        depth -= 1;
                        filled.push('7');
                    }
                    c if depth == 0 => filled.push(c),
                    _ => {}
                }
            }
            filled
        });
        filled.collect()
    }

    #[test]
    fn every_command_that_a_message_or_a_comment_names_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut found = 0;
        for name in ["az-core", "az-ai", "az-data", "az-mcp", "az-cli"] {
            sources(&root.join(name).join("src"), &mut |path, source| {
                for command in commands(source) {
                    let words = shlex::split(&command).unwrap_or_default();
                    let result = Cli::try_parse_from(words).map(drop);
                    let kind = result.as_ref().err().map(clap::Error::kind);
                    // A name of a command without its arguments is not an invalid command.
                    let exists = matches!(
                        kind,
                        None | Some(
                            ErrorKind::MissingRequiredArgument
                                | ErrorKind::DisplayHelp
                                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                        )
                    );
                    assert!(exists, "{}: `{command}`: {result:?}", path.display());
                    found += 1;
                }
            });
        }
        assert!(found > 50, "only {found} commands were found");
    }

    #[test]
    fn a_budget_is_set_to_a_whole_cent_by_a_command_that_is_accepted() {
        let set = "az cost budget set --amount 0.02 --period daily";
        for (scope, alerts, options) in [
            (Scope::Global, &[50, 90][..], " --alert 50,90"),
            (Scope::Model("a b's".to_owned()), &[], r#" --scope model --of "a b's""#),
            ("task:4f2a".parse().unwrap(), &[80], " --payer task:4f2a --alert 80"),
            ("key:test".parse().unwrap(), &[], " --payer key:test"),
            ("tenant:a:b@c".parse().unwrap(), &[], " --payer tenant:a:b@c"),
        ] {
            let command = set_budget(&scope, Period::Daily, Usd::from_nanos(10_000_001), alerts);
            assert_eq!(command, format!("{set}{options}"));
            assert_eq!(assert_commands_parse(&format!("`{command}`")), 1);
        }
    }
}
