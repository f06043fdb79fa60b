//! Checks the keys, the providers, the servers on this machine, and the model of tasks that name none.

use std::sync::Arc;

use az_ai::catalog::displayed_url;
use az_core::text::plural;
use tokio::time::timeout;

use super::installation::Installation;
use super::providers::{self, Asked};
use crate::error::CliError;
use crate::models::{LocalAnswer, LocalServer, ModelChooser, PORTS, probe_all};
use crate::views::{CheckStatus, CheckView};

/// Checks the models. Invalid entries are reported by the check of the configuration.
pub(super) async fn check(installation: &Installation) -> Vec<CheckView> {
    let models = installation.services.as_ref().map(|services| services.models());
    let Some(Ok(models)) = models else { return Vec::new() };
    let (asked, servers, model) =
        tokio::join!(providers::ask(&models), probe_all(), default_model(&models));
    let is_loading = asked.iter().any(Asked::is_loading)
        || servers.iter().any(|server| matches!(server, LocalAnswer::Loading(_)));
    let mut found: Vec<_> = asked.iter().map(Asked::key).collect();
    found.extend(asked.into_iter().filter_map(Asked::into_reachability));
    found.extend(on_this_machine(servers));
    found.push(match model {
        // A task waits for the server.
        model if is_loading && model.status == CheckStatus::Error => {
            CheckView { status: CheckStatus::Warning, ..model }
        }
        model => model,
    });
    found
}

fn on_this_machine(servers: Vec<LocalAnswer>) -> Vec<CheckView> {
    const LOCAL: &str = "local_server";
    if servers.is_empty() {
        let ports = PORTS.map(|port| port.to_string()).join(", ");
        return vec![CheckView::ok(LOCAL, format!("none on the ports {ports}"))];
    }
    let finding = |server| match server {
        LocalAnswer::Ready(LocalServer { base_url, models }) => {
            CheckView::ok(LOCAL, plural(models.len(), "model")).about(displayed_url(&base_url))
        }
        LocalAnswer::Loading(base_url) => CheckView::warning(LOCAL, "it is loading its model")
            .about(displayed_url(&base_url))
            .with_remedy(
                "wait until it is loaded; a task waits for up to llm.timeouts.loading_seconds",
            ),
    };
    servers.into_iter().map(finding).collect()
}

/// Returns which model a task gets that names none.
async fn default_model(models: &Arc<ModelChooser>) -> CheckView {
    const MODEL: &str = "model";
    let none = "`az setup` sets up a model";
    match timeout(providers::ANSWER, models.choose(None)).await {
        Ok(Ok(chosen)) if chosen.name == "offline" => {
            CheckView::warning(MODEL, chosen.why()).about(chosen.name).with_remedy(none)
        }
        Ok(Ok(chosen)) => CheckView::ok(MODEL, chosen.why()).about(chosen.name),
        Ok(Err(error)) => unusable(MODEL, &error),
        Err(_) => {
            let found = format!("not known after {} s", providers::ANSWER.as_secs());
            CheckView::error(MODEL, found).with_remedy("see the findings on providers and servers")
        }
    }
}

fn unusable(check: &'static str, error: &CliError) -> CheckView {
    let remedy = error.remedy().unwrap_or_else(|| "`az setup` sets up a model".to_owned());
    CheckView::error(check, format!("none can be used: {error}")).with_remedy(remedy)
}
