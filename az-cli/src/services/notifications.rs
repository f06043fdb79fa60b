//! The notifications of a command that runs tasks.

use std::sync::Arc;

use az_core::engine::EventSink;

use super::Services;
use super::notify::{Notifier, NotifySink};
use crate::error::CliError;

impl Services {
    /// Returns a sink that also notifies of parked tasks, if that is configured.
    pub(super) async fn notifying(
        &self,
        sink: Arc<dyn EventSink>,
    ) -> Result<Arc<dyn EventSink>, CliError> {
        let notify = &self.settings.notify;
        if notify.command.is_empty() && notify.url.is_none() {
            return Ok(sink);
        }
        let hook = self.settings.notify_hook(&self.env)?;
        let (command, store) = (notify.command.clone(), self.store().await?);
        let made = Notifier::new(command, hook, self.env.all(), self.redactor(), store);
        let notifier = self.notifier.get_or_init(|| made).clone();
        Ok(Arc::new(NotifySink::new(sink, notifier)))
    }

    /// Waits until the notifications under way have been sent, or their time has passed.
    pub async fn finish_notifications(&self) {
        if let Some(notifier) = self.notifier.get() {
            notifier.finish().await;
        }
    }
}
