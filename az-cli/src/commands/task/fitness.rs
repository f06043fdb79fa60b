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
/// A usage error for a model without image input if the task has images, and for one without reasoning if it
/// has an effort.
pub(super) async fn check_model(
    services: &Services,
    name: &str,
    options: &TaskOptions,
) -> Result<(), CliError> {
    let has_images = !options.images.is_empty();
    let parsed: Option<ModelName> = name.parse().ok();
    if (!has_images && options.effort.is_none()) || parsed == Some(ModelName::Auto) {
        return Ok(());
    }
    let is_planner = parsed == Some(ModelName::Offline);
    let models = services.models()?;
    let resolved = models.connected()?.resolve(Some(name));
    let capabilities = resolved.map(|model| model.client.capabilities(&model.model)).ok();
    if has_images && (is_planner || capabilities.is_some_and(|can| !can.vision)) {
        return Err(CliError::Usage(format!(
            "{name} does not take images; leave out --image, or choose another model: `az models show NAME` \
             says of a model whether it has `vision`"
        )));
    }
    if options.effort.is_some() {
        let found = models.find(name).await?;
        let known = found.book.model(&found.priced_as, &found.model);
        let reasons = known.and_then(|known| known.features).map(|features| features.reasoning);
        if is_planner || reasons == Some(false) {
            return Err(CliError::Usage(format!(
                "{name} does not reason; leave out --effort, or choose another model: `az models show NAME` \
                 says of a model whether it has `reasoning`"
            )));
        }
    }
    Ok(())
}
