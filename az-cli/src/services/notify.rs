//! Notifications that a task waits for an answer: a command of the user's, and a request to a server.

mod setting;

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use az_ai::provider::http::{Credentials, HttpClient};
use az_ai::provider::wire::Auth;
use az_core::clock::SystemClock;
use az_core::digest::hex;
use az_core::engine::{EventSink, RunEvent, RunEventKind};
use az_core::secret::is_secret_name;
use az_core::store::Store;
use az_core::task::{TaskRepository, Waiting};
use az_core::text::one_line;
use az_core::{Clock, TaskId};
use ring::hmac;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use super::asked::Asked;
use crate::output::short;
use crate::redact::Redactor;
use crate::views::WaitingView;

/// The longest that a notification may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How much is kept of what a command prints about its failure, in bytes.
const MOST_SAID: u64 = 8 << 10;

/// How long it is read after the command has ended.
const DRAIN: Duration = Duration::from_millis(100);

/// The name of the server in errors.
const SERVER: &str = "the server of notify.url";

/// The header with the time and the signature of a request.
const SIGNATURE: &str = "az-signature";

/// Sends notifications in the background. A clone is another handle to the same notifier.
#[derive(Debug, Clone)]
pub(crate) struct Notifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    command: Vec<String>,
    hook: Option<Hook>,
    env: Vec<(String, String)>,
    redactor: Redactor,
    store: Arc<dyn Store>,
    under_way: Mutex<JoinSet<()>>,
}

/// A server that is sent signed requests.
#[derive(Debug)]
pub(crate) struct Hook {
    pub(crate) url: String,
    pub(crate) key: hmac::Key,
    pub(crate) http: HttpClient,
}

impl Notifier {
    /// Creates a notifier that runs a command, unless it is empty, and sends requests to a server, if there
    /// is one. The command gets the variables that are no secrets.
    pub(crate) fn new(
        command: Vec<String>,
        hook: Option<Hook>,
        env: impl Iterator<Item = (String, String)>,
        redactor: Redactor,
        store: Arc<dyn Store>,
    ) -> Self {
        let env = env.filter(|(name, _)| !is_secret_name(name)).collect();
        let under_way = Mutex::default();
        Self(Arc::new(Inner { command, hook, env, redactor, store, under_way }))
    }

    /// Begins to notify of a parked task.
    fn begin(&self, task: TaskId, waiting: Waiting) {
        let this = Arc::clone(&self.0);
        let mut under_way = self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that have ended need not be kept until the worker ends.
        while under_way.try_join_next().is_some() {}
        under_way.spawn(async move {
            if tokio::time::timeout(LIMIT, this.notify(&task, &waiting)).await.is_err() {
                let limit = LIMIT.as_secs();
                tracing::warn!(%task, "a notification took longer than {limit} s, and was ended");
            }
        });
    }

    fn take(&self) -> JoinSet<()> {
        let mut under_way = self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *under_way)
    }

    /// Waits until the notifications under way have been sent, or their time has passed.
    pub(crate) async fn finish(&self) {
        let mut under_way = self.take();
        while under_way.join_next().await.is_some() {}
    }
}

impl Inner {
    async fn notify(&self, task: &TaskId, waiting: &Waiting) {
        let payload = match self.payload(task, waiting).await {
            Ok(payload) => payload,
            Err(error) => {
                tracing::warn!(%task, error = error.chain(), "failed to notify of a waiting task");
                return;
            }
        };
        let (ran, sent) = tokio::join!(self.run(&payload), self.send(&payload));
        for (what, result) in [("notify.command", ran), ("notify.url", sent)] {
            if let Err(error) = result {
                tracing::warn!(%task, "{what}: {error}");
            }
        }
    }

    /// Returns what is sent: what the person needs to decide, with secrets masked.
    async fn payload(&self, id: &TaskId, waiting: &Waiting) -> az_core::Result<Value> {
        let task = TaskRepository::get(&*self.store, id).await?;
        let command = task.map_or_else(String::new, |task| self.shortened(task.command));
        let asked = Asked::read(&*self.store, id, &waiting.call).await?;
        let payload = json!({
            "event": "task_waiting",
            "task": id,
            "short_id": short(id.as_str()),
            "command": command,
            "waiting": WaitingView::from(waiting),
            "arguments": asked.arguments,
            "options": asked.options,
        });
        Ok(redacted(payload, &self.redactor))
    }

    /// Runs the command with the payload on its standard input.
    async fn run(&self, payload: &Value) -> Result<(), String> {
        let Some((program, args)) = self.command.split_first() else { return Ok(()) };
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(self.env.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.process_group(0);
        let mut child =
            command.spawn().map_err(|error| format!("{program} cannot be run: {error}"))?;
        let mut group = ProcessGroup::of(&child);
        let (mut stdin, mut stderr) = (child.stdin.take(), child.stderr.take());
        let line = format!("{payload}\n");
        let mut said = Vec::new();
        let status = {
            let talk = async {
                // A command may end without reading its input.
                if let Some(mut stdin) = stdin.take() {
                    stdin.write_all(line.as_bytes()).await.ok();
                }
                if let Some(stderr) = &mut stderr {
                    stderr.take(MOST_SAID).read_to_end(&mut said).await.ok();
                    tokio::io::copy(stderr, &mut tokio::io::sink()).await.ok();
                }
            };
            tokio::pin!(talk);
            let mut is_said = false;
            let status = loop {
                tokio::select! {
                    biased;
                    status = child.wait() => break status,
                    () = &mut talk, if !is_said => is_said = true,
                }
            };
            // What it leaves running may keep the pipe open, and is not waited for.
            group.disarm();
            if !is_said {
                tokio::time::timeout(DRAIN, &mut talk).await.ok();
            }
            status.map_err(|error| error.to_string())?
        };
        if status.success() {
            return Ok(());
        }
        let said = self.shortened(String::from_utf8_lossy(&said).into_owned());
        Err(format!("{program} ended with {status}: {said}"))
    }

    /// Returns the beginning of a text on one line. Secrets are masked before it is cut.
    fn shortened(&self, text: String) -> String {
        one_line(&self.redactor.redact(text), 200)
    }

    /// Sends the payload to the server, signed with the key and the time.
    async fn send(&self, payload: &Value) -> Result<(), String> {
        let Some(hook) = &self.hook else { return Ok(()) };
        let signature = signature(&hook.key, SystemClock.now().as_second(), &payload.to_string());
        let headers = [(SIGNATURE, signature.as_str())];
        let with =
            Credentials { provider: SERVER, key: None, auth: Auth::Bearer, headers: &headers };
        let answer = hook.http.post(&hook.url, &with, payload).await;
        match answer.map_err(|error| error.chain())?.status() {
            200..300 => Ok(()),
            status => Err(format!("{SERVER} answered with status {status}")),
        }
    }
}

/// The processes of a command, which are killed on drop unless the command has ended.
struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }

    fn disarm(&mut self) {
        self.0 = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

/// Returns the signature of a request: the time, and the HMAC-SHA256 of the time, a dot and the body.
fn signature(key: &hmac::Key, seconds: i64, body: &str) -> String {
    let tag = hmac::sign(key, format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", hex(tag.as_ref()))
}

/// Returns a value with the secrets in its texts masked.
fn redacted(value: Value, redactor: &Redactor) -> Value {
    match value {
        Value::String(text) => Value::String(redactor.redact(text)),
        Value::Array(items) => items.into_iter().map(|item| redacted(item, redactor)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, redacted(value, redactor))).collect()
        }
        other => other,
    }
}

/// Passes events on, and notifies of parked tasks.
#[derive(Debug)]
pub(crate) struct NotifySink {
    inner: Arc<dyn EventSink>,
    notifier: Notifier,
}

impl NotifySink {
    /// Creates a sink that passes events on to `inner`.
    pub(crate) fn new(inner: Arc<dyn EventSink>, notifier: Notifier) -> Self {
        Self { inner, notifier }
    }
}

impl EventSink for NotifySink {
    fn emit(&self, event: &RunEvent) {
        self.inner.emit(event);
        if let RunEventKind::Parked(waiting) = &event.kind {
            self.notifier.begin(event.task.clone(), (**waiting).clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use ring::hmac;

    use super::signature;

    #[test]
    fn a_request_is_signed_with_its_time() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"key");
        // echo -n '7.{}' | openssl dgst -sha256 -hmac key
        let expected = "t=7,v1=77bc83bd1f40422311e47918b203449aecf84b02c1568bb1b570ac2a474cc2d8";
        assert_eq!(signature(&key, 7, "{}"), expected);
    }
}
