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
fn quoted(word: &str) -> String {
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
    use az_core::Usd;
    use az_core::cost::{Period, Scope};

    use super::{assert_commands_parse, set_budget};

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
