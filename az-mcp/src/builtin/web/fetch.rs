//! `web.fetch`.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use az_core::tool::{Access, EffectClass, Invocation, Progress, ToolOutput, ToolScope};
use az_core::{Result, blocking};
use schemars::JsonSchema;
use serde::Deserialize;

use super::page::Page;
use super::port::{WebClient, WebResponse};
use super::target::Target;
use crate::builtin::limit::stopped;
use crate::sandbox::HostPattern;
use crate::tool::{TypedTool, invalid_argument};

/// The most redirections that are followed.
const REDIRECTIONS: usize = 5;

/// Fetches a page of an allowed host, and returns its text.
///
/// Policies decide by the host. A redirection to another one is not followed: the model is told its address,
/// and a call with that is decided about anew.
#[derive(Debug)]
pub struct WebFetchTool {
    hosts: Vec<HostPattern>,
    client: Arc<dyn WebClient>,
}

/// The arguments of `web.fetch`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebFetchArgs {
    /// Address of the page, such as `https://example.org/page`
    pub url: String,
}

impl WebFetchTool {
    /// Creates the tool, which fetches pages of these hosts with a client.
    pub fn new(hosts: Vec<HostPattern>, client: Arc<dyn WebClient>) -> Self {
        Self { hosts, client }
    }

    /// Fetches a page, and returns its text.
    async fn output(&self, target: Target) -> Result<ToolOutput> {
        match self.fetch(target).await {
            // A page of several megabytes takes its time, in which the call can be cancelled.
            Ok(page) => blocking::run(move || page.into_output()).await,
            Err(reason) => Ok(ToolOutput::failed(reason)),
        }
    }

    /// Fetches a page, and follows redirections on its host.
    ///
    /// # Errors
    ///
    /// The reason why there is no page.
    async fn fetch(&self, mut target: Target) -> Result<Page, String> {
        for _ in 0..=REDIRECTIONS {
            if !target.is_of(&self.hosts) {
                return Err(self.not_allowed(&target));
            }
            let response = self.client.get(&target.url).await;
            let response = response.map_err(|reason| format!("{}: {reason}", target.url))?;
            let Some(location) = location(&response) else {
                return Ok(Page { url: target.url, response });
            };
            let next = target.join(&location).map_err(|reason| {
                format!("{} redirects to {location:?}, which {reason}", target.url)
            })?;
            if !target.stays_at(&next) {
                return Err(format!(
                    "{} redirects to {}, which is at another host or not secure; call {} with that address \
                     if it is the right one",
                    target.url,
                    next.url,
                    Self::NAME
                ));
            }
            target = next;
        }
        Err(format!("{}: more than {REDIRECTIONS} redirections", target.url))
    }

    fn not_allowed(&self, target: &Target) -> String {
        let hosts: Vec<_> = self.hosts.iter().map(ToString::to_string).collect();
        format!(
            "{} is not at a host that may be fetched; those in tools.web.hosts of the configuration are: {}",
            target.url,
            hosts.join(", ")
        )
    }
}

/// Returns where a response redirects to, if it does.
fn location(response: &WebResponse) -> Option<String> {
    let is_redirection = [301, 302, 303, 307, 308].contains(&response.status);
    response.location.clone().filter(|_| is_redirection)
}

impl TypedTool for WebFetchTool {
    type Args = WebFetchArgs;
    const NAME: &'static str = "web.fetch";
    const DESCRIPTION: &'static str = "Fetch a web page and return its text";
    const CATEGORY: &'static str = "web";
    const RETURNS: &'static str = "string";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::Network;
    const TIMEOUT: Option<Duration> = Some(Duration::from_secs(60));
    const EXAMPLE: &'static str = r#"{"url": "https://example.org/"}"#;

    fn description(&self) -> Cow<'static, str> {
        let hosts: Vec<_> = self.hosts.iter().map(ToString::to_string).collect();
        format!(
            "{} (HTML becomes text with the addresses of its links). Hosts: {}",
            Self::DESCRIPTION,
            hosts.join(", ")
        )
        .into()
    }

    fn accesses(&self, args: &WebFetchArgs, _call: &Invocation) -> Vec<Access> {
        Target::parse(&args.url)
            .map(|target| vec![Access::Host { name: target.host }])
            .unwrap_or_default()
    }

    fn check(&self, args: &WebFetchArgs) -> Result<()> {
        let target = Target::parse(&args.url)
            .map_err(|reason| invalid_argument(Self::NAME, "url", &reason))?;
        if !target.is_of(&self.hosts) {
            return Err(invalid_argument(Self::NAME, "url", &self.not_allowed(&target)));
        }
        Ok(())
    }

    async fn call(&self, args: WebFetchArgs, call: &Invocation) -> Result<ToolOutput> {
        let target = Target::parse(&args.url)
            .map_err(|reason| invalid_argument(Self::NAME, "url", &reason))?;
        call.lease.check()?;
        call.progress.report(Progress::message(format!("waiting for {}", target.host)));
        tokio::select! {
            biased;
            error = stopped(call) => Ok(ToolOutput::unknown(error.chain())),
            output = self.output(target) => output,
        }
    }
}
