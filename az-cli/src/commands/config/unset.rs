//! `az config unset`.

use std::process::ExitCode;

use az_core::config::ConfigManager;
use clap::Args;

use super::layer::LayerArgs;
use super::{Context, files};
use crate::config::KeyPath;
use crate::error::CliError;
use crate::views::NoticeView;

const EXAMPLES: &str = "\
Examples:
  az config unset llm.model
  az config unset llm.providers.fast
  az config unset --layer store cost.time_zone";

/// Remove keys
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct UnsetArgs {
    /// Key, table, or entry of llm.providers
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
    #[command(flatten)]
    layer: LayerArgs,
}

/// Removes keys; if one of them is not set, nothing is removed.
///
/// # Errors
///
/// A usage error for a key that is unknown, or not set in this layer.
pub(super) async fn run(args: &UnsetArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    let parse = |key: &String| KeyPath::parse(key).map_err(CliError::Usage);
    let keys: Vec<_> = args.keys.iter().map(parse).collect::<Result<_, _>>()?;
    let target = args.layer.layer;
    let source = match target.file(context)? {
        Some(path) => {
            let source = path.display().to_string();
            files::change(context, target.layer(), &path, |file| {
                for key in &keys {
                    if !file.unset(key)? {
                        return Err(not_set(key, &source));
                    }
                }
                Ok(())
            })?;
            source
        }
        None => {
            let store = context.services()?.store().await?;
            let set = store.get_all().await?;
            if let Some(missing) = keys.iter().find(|key| !set.contains_key(&key.to_string())) {
                return Err(not_set(missing, "the store"));
            }
            for key in &keys {
                // A key that another process has removed in the meantime is removed as well.
                ConfigManager::delete(&*store, &key.to_string()).await?;
            }
            "the store".to_owned()
        }
    };
    for key in &keys {
        let notice = NoticeView::ConfigUnset { key: key.to_string(), source: source.clone() };
        context.printer.done(&format!("removed {key} from {source}"), &notice)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn not_set(key: &KeyPath, source: &str) -> CliError {
    CliError::Usage(format!(
        "{key} is not set in {source}; `az config get {key} --origin` shows where it is set"
    ))
}
