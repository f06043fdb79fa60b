//! What the checks look at.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use az_core::blocking;
use az_core::store::StoreAccess;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::super::config::Context;
use crate::config::{ConfigError, ConfigFiles, Env};
use crate::error::CliError;
use crate::output::Printer;
use crate::services::Services;
use crate::settings::Settings;

/// How long reading the settings in the store may take.
const STORED_SETTINGS: Duration = Duration::from_secs(10);

/// An installation of `az`: its configuration, and the services that can be created from the valid parts of
/// it.
#[derive(Debug)]
pub(super) struct Installation {
    pub(super) env: Env,
    /// The file of `--env-file`.
    pub(super) env_file: Option<PathBuf>,
    /// The paths of the files of the configuration.
    pub(super) config_files: ConfigFiles,
    /// What is wrong with the configuration.
    pub(super) errors: Vec<CliError>,
    /// The services; `None` if not even the store's address can be resolved.
    pub(super) services: Option<Services>,
    /// The printer of the command.
    pub(super) printer: Printer,
}

impl Installation {
    /// Reads what can be read. Invalid files and variables do not count.
    pub(super) async fn find(context: &Context<'_>) -> Arc<Self> {
        let (settings, errors) = Settings::resolve_valid(context.global, context.env);
        let mut errors: Vec<CliError> = errors.into_iter().map(ConfigError::into).collect();
        let services = match settings.and_then(|settings| services(settings, context)) {
            Ok(services) => Some(with_stored_settings(services, context, &mut errors).await),
            Err(error) => {
                errors.push(error);
                None
            }
        };
        let directory = std::env::current_dir().ok();
        Arc::new(Self {
            env: context.env.clone(),
            env_file: context.global.env_file.clone(),
            config_files: ConfigFiles::find(context.env, directory.as_deref()),
            errors,
            services,
            printer: context.printer.clone(),
        })
    }
}

/// Creates services that print nothing: what they find is reported by the checks.
fn services(settings: Settings, context: &Context<'_>) -> Result<Services, CliError> {
    context.printer.set_output(settings.output);
    let printer = context.printer.clone().into_quiet();
    Services::new(settings, context.env.clone(), printer, context.wiring.clone())
}

/// Returns the services with the settings in the store. A store that cannot be read is reported by its
/// check.
async fn with_stored_settings(
    services: Services,
    context: &Context<'_>,
    errors: &mut Vec<CliError>,
) -> Services {
    let runtime = Handle::current();
    let Ok(again) = services.with_settings(services.settings().clone()) else { return services };
    // A store on a network that does not answer blocks the thread.
    let read =
        blocking::run(move || runtime.block_on(again.with_stored_settings(StoreAccess::ReadOnly)));
    match timeout(STORED_SETTINGS, read).await {
        Ok(Ok(Ok(stored))) => {
            context.printer.set_output(stored.settings().output);
            stored
        }
        Ok(Ok(Err(error))) => {
            errors.push(error);
            services
        }
        Ok(Err(_)) | Err(_) => services,
    }
}
