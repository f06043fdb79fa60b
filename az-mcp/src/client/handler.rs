//! What a server may ask of the client, and tell it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use az_core::text::one_line;
use az_core::tool::{Progress, ProgressSender};
use rmcp::model::{
    ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationCapability, ErrorData, FormElicitationCapability, Implementation, NumberOrString,
    ProgressNotificationParam, ProtocolVersion, RootsCapabilities,
};
#[expect(deprecated, reason = "servers of the legacy era ask for roots")]
use rmcp::model::{ListRootsResult, Root};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ClientHandler, RoleClient};
use tokio::sync::Notify;

use super::question::{Answerer, ServerAnswer, ServerQuestion};
use super::shown::{self, without_hidden};

/// The longest message of a progress report, in characters.
const LONGEST_MESSAGE: usize = 200;
/// The most questions to a person while requests are under way.
const MOST_QUESTIONS: usize = 8;
/// The longest question that a person is shown, in bytes.
const LONGEST_QUESTION: usize = 2 << 10;

/// Where the progress of a request goes.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) progress: ProgressSender,
    /// Is notified of each report, so that the time limit begins anew.
    pub(super) heard: Arc<Notify>,
}

/// The routes of the requests under way, by the tokens of their progress.
#[derive(Debug, Clone, Default)]
pub(super) struct Routes {
    by_token: Arc<Mutex<HashMap<NumberOrString, Route>>>,
    /// The number of questions that a person is being asked.
    asking: Arc<AtomicUsize>,
    /// The number of questions since no request was under way.
    asked: Arc<AtomicUsize>,
}

/// A question that a person is being asked.
struct Asking(Arc<AtomicUsize>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Routes {
    pub(super) fn add(&self, token: NumberOrString, route: Route) {
        self.by_token.lock().unwrap_or_else(PoisonError::into_inner).insert(token, route);
    }

    pub(super) fn remove(&self, token: &NumberOrString) {
        let mut routes = self.by_token.lock().unwrap_or_else(PoisonError::into_inner);
        routes.remove(token);
        if routes.is_empty() {
            self.asked.store(0, Ordering::SeqCst);
        }
    }

    /// Whether a person may be asked one more question: a request is under way, and not too many were asked during it.
    fn may_ask(&self) -> bool {
        let is_under_way = !self.by_token.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        is_under_way && self.asked.fetch_add(1, Ordering::SeqCst) < MOST_QUESTIONS
    }

    /// Whether a person is being asked, and the server waits for the answer.
    pub(super) fn is_asking(&self) -> bool {
        self.asking.load(Ordering::SeqCst) > 0
    }

    fn ask(&self) -> Asking {
        self.asking.fetch_add(1, Ordering::SeqCst);
        Asking(Arc::clone(&self.asking))
    }

    fn report(&self, params: ProgressNotificationParam) {
        let routes = self.by_token.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(route) = routes.get(&params.progress_token.0) else { return };
        let message = params.message.unwrap_or_default();
        let message = one_line(&without_hidden(&message), LONGEST_MESSAGE);
        let report = Progress::message(message);
        let report = match whole(params.progress) {
            Some(done) => report.with_count(done, params.total.and_then(whole)),
            None => report,
        };
        route.progress.report(report);
        route.heard.notify_one();
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn whole(number: f64) -> Option<u64> {
    (0.0..9_007_199_254_740_992.0).contains(&number).then_some(number as u64)
}

/// Answers a server: it gets the roots, reports progress, asks a person, and says when its tools change. It
/// may not ask for completions of a model.
#[derive(Debug)]
pub(super) struct Handler {
    pub(super) server: String,
    pub(super) roots: Vec<PathBuf>,
    pub(super) routes: Routes,
    /// Whether the tools have changed since they were listed.
    pub(super) is_changed: Arc<AtomicBool>,
    pub(super) answerer: Answerer,
}

impl Handler {
    /// Returns the roots.
    #[expect(deprecated, reason = "servers of the legacy era ask for roots")]
    pub(super) fn root_list(&self) -> ListRootsResult {
        let roots = self.roots.iter().filter_map(|root| {
            let name = root.file_name()?.to_string_lossy().into_owned();
            Some(Root::new(file_url(root.to_str()?)).with_name(name))
        });
        ListRootsResult::new(roots.collect())
    }
}

impl Handler {
    /// Asks a person what the server wants to know. A request to open an address is declined.
    pub(super) async fn elicit(&self, request: ElicitRequestParams) -> ElicitResult {
        let declined = ElicitResult::new(ElicitationAction::Decline);
        let ElicitRequestParams::FormElicitationParams { message, requested_schema, .. } = request
        else {
            return declined;
        };
        let Ok(schema) = serde_json::to_value(&requested_schema) else { return declined };
        let _asking = self.routes.ask();
        let message = shown::description(&message, LONGEST_QUESTION);
        let question = ServerQuestion { server: self.server.clone(), message, schema };
        match self.answerer.answer(question).await {
            ServerAnswer::Given(fields) => {
                ElicitResult::new(ElicitationAction::Accept).with_content(fields.into())
            }
            ServerAnswer::Declined => declined,
        }
    }
}

/// Returns the address of an absolute path.
fn file_url(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let encoded = path.bytes().map(|byte| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    format!("file://{}", encoded.collect::<String>())
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        capabilities.roots = Some(RootsCapabilities::default());
        if self.answerer.is_there() {
            let form = Some(FormElicitationCapability::default());
            let mut asked = ElicitationCapability::default();
            asked.form = form;
            capabilities.elicitation = Some(asked);
        }
        let client = Implementation::new("az", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(capabilities, client)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    #[expect(deprecated, reason = "servers of the legacy era ask for roots")]
    async fn list_roots(
        &self,
        _context: RequestContext<RoleClient>,
    ) -> Result<ListRootsResult, ErrorData> {
        Ok(self.root_list())
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        match self.routes.may_ask() {
            true => Ok(self.elicit(request).await),
            false => Ok(ElicitResult::new(ElicitationAction::Decline)),
        }
    }

    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.routes.report(params);
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        tracing::debug!(server = %self.server, "the tools of an MCP server have changed");
        self.is_changed.store(true, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::{file_url, whole};

    #[test]
    fn a_path_is_an_address() {
        assert_eq!(file_url("/home/me/a b#ü"), "file:///home/me/a%20b%23%C3%BC");
    }

    #[test]
    fn counts_are_whole_numbers_of_a_sensible_size() {
        let counts = [2.9, 0.0, -1.0, f64::NAN, f64::INFINITY].map(whole);
        assert_eq!(counts, [Some(2), Some(0), None, None, None]);
    }
}
