//! The greeting of a first use: as long as there is no store, nothing has run.

use az_ai::catalog::displayed_url;

use crate::config::Env;
use crate::global_args::GlobalArgs;
use crate::models::{LocalAnswer, LocalServer, ModelChooser, probe_all};
use crate::output::Printer;
use crate::services::Services;
use crate::settings::Settings;
use crate::wiring::Wiring;

/// What can be typed next.
const NEXT: &str = "next: `az demo` plays a recorded task, `az setup` sets up a model, and `az task run \
                    \"list the files here\"` runs a task";

/// Greets at a terminal while the store does not exist, with the keys and the servers that were found.
pub(crate) async fn greet(services: &Services) {
    let printer = services.printer();
    let is_new = services.settings().store.file().is_some_and(|file| !file.exists());
    if !is_new || !printer.is_interactive() {
        return;
    }
    // Models that are not valid are the error of the command itself.
    let Ok(models) = services.models() else { return };
    let mut found = keys(&models);
    found.extend(probe_all().await.into_iter().map(in_words));
    let found = match found.as_slice() {
        [] => "no key in the environment and no model server on this machine".to_owned(),
        found => found.join(", "),
    };
    printer.say("welcome to az; no task has run here yet");
    printer.say(&format!("found: {found}"));
    printer.say(NEXT);
}

/// Greets after the help of `az` without arguments.
pub(crate) fn greet_after_help(env: &Env, wiring: &Wiring) {
    let global = GlobalArgs::default();
    let printer = Printer::new(&global, env);
    let services = Settings::resolve(&global, env)
        .and_then(|settings| Services::new(settings, env.clone(), printer, wiring.clone()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    // What is wrong with the configuration is reported by the commands that need it.
    if let (Ok(services), Ok(runtime)) = (services, runtime) {
        runtime.block_on(greet(&services));
    }
}

/// Returns where keys are, each with the first entry that it is for.
fn keys(models: &ModelChooser) -> Vec<String> {
    let mut found: Vec<(String, &str)> = Vec::new();
    for (entry, from) in models.catalog().with_keys() {
        if !found.iter().any(|(known, _)| *known == from) {
            found.push((from, &entry.config.name));
        }
    }
    let in_words = |(from, name)| format!("a key for {name} in {from}");
    found.into_iter().map(in_words).collect()
}

fn in_words(server: LocalAnswer) -> String {
    match server {
        LocalAnswer::Ready(LocalServer { base_url, .. }) => {
            format!("a model server at {}", displayed_url(&base_url))
        }
        LocalAnswer::Loading(base_url) => {
            format!("a model server at {}, which is loading its model", displayed_url(&base_url))
        }
    }
}
