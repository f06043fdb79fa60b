//! The page of `az --help`: commands in groups, options and exit codes.

use std::fmt::Write;

use clap::{Arg, Command};

use crate::exit_code::EXIT_CODES;

/// The commands in groups, in the order in which a newcomer needs them.
const GROUPS: &[(&str, &[&str])] = &[
    ("Run tasks", &["task", "worker", "demo"]),
    ("Choose models", &["setup", "models"]),
    ("Use tools", &["tools", "mcp"]),
    ("Control costs", &["cost"]),
    ("Manage az", &["doctor", "config", "log", "db", "completions", "man", "help"]),
];

/// The environment variables that concern every command.
const VARIABLES: &[(&str, &str)] = &[
    ("AZ_CONFIG", "Your configuration file [default: ~/.config/az/config.toml]"),
    ("AZ_DATA_DIR", "Directory of the database [default: ~/.local/share/az]"),
    ("AZ_STORE", "Store, as for --store"),
    ("AZ_MODEL", "Model of tasks that name none"),
    ("AZ_LOG", "What is recorded in the log, as RUST_LOG has it [default: info]"),
    ("NO_COLOR", "Print without colours"),
];

/// The options that clap adds itself.
const BUILT_IN: [(&str, &str); 2] =
    [("-h, --help", "Print help"), ("-V, --version", "Print version")];

/// The width of the column of names.
const NAMES: usize = 20;

/// Returns the root command with a help page that lists its commands in groups.
pub(crate) fn grouped(command: Command) -> Command {
    let page = page(&command);
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let long = format!("{examples}\n\n{}\n{}", variables(&command), exit_codes(&command));
    command.help_template(page).after_long_help(long)
}

fn page(command: &Command) -> String {
    let heading = command.get_styles().get_header();
    let mut page = String::from("{about-with-newline}\n{usage-heading} {usage}\n");
    for (title, names) in GROUPS {
        // Writing to a string cannot fail.
        writeln!(page, "\n{heading}{title}:{heading:#}").ok();
        for name in *names {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let about =
                about.map_or_else(|| "Print the help of a command".into(), ToString::to_string);
            write_line(&mut page, name, &about);
        }
    }
    writeln!(page, "\n{heading}Options:{heading:#}").ok();
    for option in command.get_arguments() {
        let about = option.get_help().map(ToString::to_string).unwrap_or_default();
        write_line(&mut page, &signature(option), &about);
    }
    for (option, about) in BUILT_IN {
        write_line(&mut page, option, about);
    }
    page.trim_end().to_owned() + "{after-help}"
}

/// Returns an option as it is typed: `-q, --quiet`.
fn signature(option: &Arg) -> String {
    let short = option.get_short().map_or_else(String::new, |short| format!("-{short}, "));
    let long = option.get_long().unwrap_or_default();
    let value = option.get_value_names().filter(|_| option.get_action().takes_values());
    let value = value.into_iter().flatten().map(|name| format!(" <{name}>")).collect::<String>();
    format!("{short}--{long}{value}")
}

fn write_line(page: &mut String, name: &str, about: &str) {
    // Writing to a string cannot fail.
    writeln!(page, "  {name:<NAMES$}  {about}").ok();
}

fn variables(command: &Command) -> String {
    let heading = command.get_styles().get_header();
    let mut text = format!("{heading}Environment variables:{heading:#}\n");
    for (name, about) in VARIABLES {
        write_line(&mut text, name, about);
    }
    text
}

fn exit_codes(command: &Command) -> String {
    let heading = command.get_styles().get_header();
    let mut text = format!("{heading}Exit codes:{heading:#}\n");
    for (code, meaning) in EXIT_CODES {
        // Writing to a string cannot fail.
        writeln!(text, "  {code:>3}  {meaning}").ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{GROUPS, grouped};
    use crate::cli::Cli;

    #[test]
    fn every_command_is_in_one_group_with_its_description() {
        let command = Cli::command();
        let mut listed: Vec<_> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        let mut known: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
        known.push("help");
        listed.sort_unstable();
        known.sort_unstable();
        assert_eq!(listed, known);
        let page = grouped(command).render_help().to_string();
        for command in Cli::command().get_subcommands() {
            let (name, about) = (command.get_name(), command.get_about().unwrap());
            assert!(page.contains(&format!("  {name:<20}  {about}\n")), "{name}: {page}");
        }
        assert!(
            page.contains("  -q, --quiet           Only print errors on standard error\n"),
            "{page}"
        );
    }
}
