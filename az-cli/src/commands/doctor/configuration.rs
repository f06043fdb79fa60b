//! Checks the files and variables of the configuration, and the trust in a project's file.

use std::path::Path;

use super::installation::Installation;
use crate::config::{ConfigError, ConfigProblem};
use crate::error::CliError;
use crate::identity::worker_id;
use crate::settings::Settings;
use crate::views::CheckView;
use crate::wiring::engine_options;

const CONFIG: &str = "config";

/// Checks the configuration.
pub(super) fn check(installation: &Installation) -> Vec<CheckView> {
    let mut found: Vec<_> = installation.errors.iter().flat_map(invalid).collect();
    if let Some(services) = &installation.services {
        let parts = [
            services.models().and_then(|models| models.connected().map(drop)),
            services.toolbox().map(drop),
            worker_id()
                .map_err(CliError::from)
                .and_then(|worker| engine_options(&installation.env, worker).map(drop)),
        ];
        found.extend(parts.iter().filter_map(|part| part.as_ref().err()).flat_map(invalid));
    }
    if found.is_empty() {
        found.push(CheckView::ok(CONFIG, valid(installation)));
    }
    let settings = installation.services.as_ref().map(|services| services.settings());
    found.extend(settings.and_then(trust));
    found
}

/// Returns the findings of an error.
fn invalid(error: &CliError) -> Vec<CheckView> {
    match error {
        CliError::Config(ConfigError::Invalid(problems)) => {
            problems.iter().map(of_problem).collect()
        }
        error => {
            let usual = match error {
                CliError::Config(_) => {
                    "correct it, as with `az config edit`; `az config get --all --origin` shows where \
                     each value comes from"
                }
                _ => "correct the option, the variable or the key that the message names",
            };
            let remedy = error.remedy().unwrap_or_else(|| usual.to_owned());
            vec![CheckView::error(CONFIG, error.to_string()).with_remedy(remedy)]
        }
    }
}

fn of_problem(problem: &ConfigProblem) -> CheckView {
    let place = problem.location.as_ref();
    let place = place.map_or_else(|| problem.source.clone(), ToString::to_string);
    let remedy = match &problem.location {
        Some(_) => {
            "correct the line; until then, nothing of the file counts for `az doctor`, and \
                    other commands fail; `az config validate` checks it again"
        }
        None => "set the variable to a valid value, or unset it",
    };
    CheckView::error(CONFIG, problem.in_words()).about(place).with_remedy(remedy)
}

/// Returns which files are valid.
fn valid(installation: &Installation) -> String {
    let files = &installation.config_files;
    let all = [files.project.as_deref(), files.user.as_deref(), Some(files.system.as_path())];
    let exist = all.into_iter().flatten().filter(|path| path.exists());
    let names: Vec<_> = exist.map(|path: &Path| path.display().to_string()).collect();
    match names.as_slice() {
        [] => "no file exists; the defaults apply".to_owned(),
        [one] => format!("{one} is valid"),
        names => format!("{} are valid", names.join(", ")),
    }
}

/// Returns whether the settings of a project's file count.
fn trust(settings: &Settings) -> Option<CheckView> {
    let project = settings.file.project.as_ref()?;
    let path = project.path.display().to_string();
    let finding = match (project.withheld.as_slice(), project.trusted) {
        ([], _) => CheckView::ok("trust", "it sets only keys that need no trust"),
        (_, true) => CheckView::ok("trust", "trusted as it is now"),
        (withheld, false) => {
            let found =
                format!("not trusted; these keys of it are ignored: {}", withheld.join(", "));
            let remedy = "`az config trust` shows what the file would change, and trusts it";
            CheckView::warning("trust", found).with_remedy(remedy)
        }
    };
    Some(finding.about(path))
}
