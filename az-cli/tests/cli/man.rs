//! Manual pages.

use std::collections::BTreeSet;
use std::fs;

use crate::support::Az;

#[test]
fn every_command_has_a_page() {
    let az = Az::in_memory();
    az.ok(&["man", "--output", "pages"]);
    let dir = az.work().join("pages");
    let names: BTreeSet<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut expect = BTreeSet::from(["az.1".to_owned()]);
    add_pages(az_cli::cli::command().disable_help_subcommand(true), "az", &mut expect);
    assert_eq!(names, expect);
    assert_eq!(az.ok(&["man", "task", "run"]), az.read("pages/az-task-run.1"));
    assert_eq!(
        az.ok(&["man"]).lines().find(|line| line.starts_with(".TH")),
        Some(".TH az 1  \"az 0.1.0\" ")
    );
}

fn add_pages(mut command: clap::Command, prefix: &str, pages: &mut BTreeSet<String>) {
    command.build();
    for sub in command.get_subcommands() {
        let name = format!("{prefix}-{}", sub.get_name());
        pages.insert(format!("{name}.1"));
        add_pages(sub.clone(), &name, pages);
    }
}

#[test]
fn an_unknown_command_is_named_with_the_known_ones() {
    let ended = Az::in_memory().az(&["man", "worker", "walk"]);
    let message = "error: worker has no command \"walk\"; its commands: run, help\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(2), message));
}
