//! Whether a model can do what a task asks of it.

use az_ai::model_name::ModelName;
use az_ai::resolver::ModelResolver;
use az_core::task::TaskOptions;

use crate::error::CliError;
use crate::services::Services;

/// Checks that the model of this name supports what a task needs, as far as that is known before a request.
/// The routing rules choose a model that does.
///
/// # Errors
///
/// A usage error for a model without image input if the task has images, for one without reasoning if it has an
/// effort, and for the planner if it has an output schema.
pub(super) async fn check_model(
    services: &Services,
    name: &str,
    options: &TaskOptions,
) -> Result<(), CliError> {
    let parsed: Option<ModelName> = name.parse().ok();
    let is_planner = parsed == Some(ModelName::Offline);
    if parsed == Some(ModelName::Auto) {
        return Ok(());
    }
    let lacking = |what: &str, option: &str, feature: &str| {
        Err(CliError::Usage(format!(
            "{name} does not {what}; leave out {option}, or choose another model: `az models show NAME` says \
             of a model whether it has `{feature}`"
        )))
    };
    if !options.images.is_empty() && (is_planner || !has_vision(services, name)?) {
        return lacking("take images", "--image", "vision");
    }
    if options.effort.is_some() && (is_planner || !may_reason(services, name).await?) {
        return lacking("reason", "--effort", "reasoning");
    }
    if options.output_schema.is_some() && is_planner {
        let message = "offline is a planner and does not answer in JSON; leave out --output-schema, or choose \
                       a model";
        return Err(CliError::Usage(message.to_owned()));
    }
    Ok(())
}

/// Returns whether a model takes images, as far as that is known.
fn has_vision(services: &Services, name: &str) -> Result<bool, CliError> {
    let resolved = services.models()?.connected()?.resolve(Some(name));
    Ok(resolved.map_or(true, |model| model.client.capabilities(&model.model).vision))
}

/// Returns `false` for a model that is known not to reason.
async fn may_reason(services: &Services, name: &str) -> Result<bool, CliError> {
    let found = services.models()?.find(name).await?;
    let known = found.book.model(&found.priced_as, &found.model);
    Ok(known.and_then(|known| known.features).is_none_or(|features| features.reasoning))
}
