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
    if is(name, &ModelName::Auto) {
        return Ok(());
    }
    let is_planner = is(name, &ModelName::Offline);
    let lacking = |what: &str, option: &str, feature: &str| {
        Err(CliError::Usage(format!(
            "{name} does not {what}; leave out {option}, or choose another model: `az models show NAME` says \
             of a model whether it has `{feature}`"
        )))
    };
    let has_images = options.all_images().next().is_some();
    if has_images && (is_planner || !has_vision(services, name)?) {
        return match &options.origin {
            None => lacking("take images", "--image", "vision"),
            Some(_) => Err(CliError::Usage(format!(
                "{name} does not take images, and the conversation has some; choose another model: `az models \
                 show NAME` says of a model whether it has `vision`"
            ))),
        };
    }
    if options.effort.is_some() && !may_reason(services, name).await? {
        return lacking("reason", "--effort", "reasoning");
    }
    if options.output_schema.is_some() && is_planner {
        // A fork has the schema of the task before, and no option to leave it out.
        let message = "offline is a planner and does not answer in JSON, as the output schema of the task demands; \
                       choose a model with --model, or start a task without --output-schema";
        return Err(CliError::Usage(message.to_owned()));
    }
    Ok(())
}

/// Leaves out the effort that a task has of another one, and says so, if its model is known not to reason.
/// Without a name, this is the model that a task without one runs on here.
///
/// # Errors
///
/// Those of the configuration and of the price lists.
pub(super) async fn leave_out_effort(
    services: &Services,
    name: Option<&str>,
    options: &mut TaskOptions,
) -> Result<(), CliError> {
    let Some(effort) = options.effort else { return Ok(()) };
    let name = match name {
        Some(name) => name.to_owned(),
        None => services.models()?.choose(None).await?.name,
    };
    if !is(&name, &ModelName::Auto) && !may_reason(services, &name).await? {
        options.effort = None;
        let effort = effort.as_str();
        let said =
            format!("{name} does not reason: the effort {effort} of the task before is left out");
        services.printer().say(&said);
    }
    Ok(())
}

fn is(name: &str, model: &ModelName) -> bool {
    name.parse::<ModelName>().is_ok_and(|parsed| parsed == *model)
}

/// Returns whether a model takes images, as far as that is known.
fn has_vision(services: &Services, name: &str) -> Result<bool, CliError> {
    let resolved = services.models()?.connected()?.resolve(Some(name));
    Ok(resolved.map_or(true, |model| model.client.capabilities(&model.model).vision))
}

/// Returns `false` for a model that is known not to reason, and for the planner.
async fn may_reason(services: &Services, name: &str) -> Result<bool, CliError> {
    if is(name, &ModelName::Offline) {
        return Ok(false);
    }
    let found = services.models()?.find(name).await?;
    let known = found.book.model(&found.priced_as, &found.model);
    Ok(known.and_then(|known| known.features).is_none_or(|features| features.reasoning))
}
