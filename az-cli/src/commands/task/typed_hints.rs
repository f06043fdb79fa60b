//! Sends the lines that a person types while a task is shown.

use std::convert::Infallible;

use az_core::journal::Hint;
use az_core::text::plural;
use az_core::{Error, Task, TaskId, TaskStatus};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::hint::{new_hint, send};
use crate::error::CliError;
use crate::output::{Live, short};
use crate::services::Services;

/// Sends each line as a hint to the task.
pub(super) struct TypedHints {
    lines: UnboundedReceiver<String>,
    task: TaskId,
    /// The hint that is being sent.
    unsent: Option<Hint>,
}

impl TypedHints {
    /// Creates a sender for a task, and what the lines are passed to.
    pub(super) fn new(task: TaskId) -> (UnboundedSender<String>, Self) {
        let (to, lines) = unbounded_channel();
        (to, Self { lines, task, unsent: None })
    }

    /// Waits for a future, and sends what is typed meanwhile.
    pub(super) async fn during<T>(
        &mut self,
        services: &Services,
        live: &Live,
        shown: impl Future<Output = T>,
    ) -> T {
        // Both are large futures, as is opening a store below.
        let shown = Box::pin(shown);
        let sent = Box::pin(self.send_all(services, live));
        tokio::select! {
            biased;
            ended = shown => ended,
            never = sent => match never {},
        }
    }

    /// Sends what was typed last, or prints that it was not sent. To be called when the terminal is closed.
    pub(super) async fn finish(mut self, services: &Services) {
        let say = |text: &str| services.printer().say(text);
        self.send(services, say).await;
        while let Ok(text) = self.lines.try_recv() {
            self.prepare(&text, say);
            self.send(services, say).await;
        }
    }

    async fn send_all(&mut self, services: &Services, live: &Live) -> Infallible {
        let say = |text: &str| live.say(text);
        while let Some(text) = self.lines.recv().await {
            self.prepare(&text, say);
            self.send(services, say).await;
        }
        std::future::pending().await
    }

    /// Gives a line its id, under which it is stored once.
    fn prepare(&mut self, text: &str, say: impl Fn(&str)) {
        match new_hint(text) {
            Ok(hint) => self.unsent = Some(hint),
            Err(error) => say(&not_sent(&error.into())),
        }
    }

    async fn send(&mut self, services: &Services, say: impl Fn(&str)) {
        let Some(hint) = &self.unsent else { return };
        let sent = Box::pin(async {
            let store = services.store().await?;
            match send(&*store, &self.task, hint).await {
                // It was stored before the wait for it was given up.
                Err(CliError::Core(Error::AlreadyExists { .. })) => Ok(()),
                sent => sent,
            }
        });
        if let Err(error) = sent.await {
            say(&not_sent(&error));
        }
        self.unsent = None;
    }
}

fn not_sent(error: &CliError) -> String {
    format!("the hint was not sent: {error}")
}

/// Prints how many hints a task that has ended did not read: they came after its last step.
pub(super) async fn note_unread(task: &Task, services: &Services) {
    let Ok(Some(store)) = services.store_to_read().await else { return };
    let Ok(hints) = store.hints(&task.id).await else { return };
    if !task.status.is_ended() || hints.is_empty() {
        return;
    }
    let later = match task.status {
        TaskStatus::Completed => String::new(),
        _ => format!("; `az task resume {}` reads them", short(task.id.as_str())),
    };
    services
        .printer()
        .say(&format!("{} came too late to be read{later}", plural(hints.len(), "hint")));
}
