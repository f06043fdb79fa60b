//! The sandbox of the commands of a tool: which one it is, and what a command may do in it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use az_core::{Result, TaskId, blocking};
use tokio::sync::OnceCell;

use crate::sandbox::{
    AllowedNetwork, EgressProxy, HostPattern, NetworkAccess, ProxyAccess, PublicAddresses, Sandbox,
    SandboxError, SandboxOptions, SandboxPolicy, SystemResolver,
};

/// The sandbox of commands, chosen at the first of them.
#[derive(Debug)]
pub(super) struct Confinement {
    options: SandboxOptions,
    homes: Vec<PathBuf>,
    sandbox: OnceCell<Arc<dyn Sandbox>>,
    proxy: OnceCell<EgressProxy>,
}

/// Why there is no sandbox or no policy.
#[derive(Debug)]
pub(super) enum Unconfined {
    /// A command cannot be confined as the configuration demands.
    Sandbox(SandboxError),
    /// It was not found out.
    Core(az_core::Error),
}

impl From<SandboxError> for Unconfined {
    fn from(error: SandboxError) -> Self {
        Self::Sandbox(error)
    }
}

impl From<az_core::Error> for Unconfined {
    fn from(error: az_core::Error) -> Self {
        Self::Core(error)
    }
}

impl Confinement {
    /// Creates the confinement of a user with these home directories.
    pub(super) const fn new(options: SandboxOptions, homes: Vec<PathBuf>) -> Self {
        Self { options, homes, sandbox: OnceCell::const_new(), proxy: OnceCell::const_new() }
    }

    /// Returns the sandbox.
    pub(super) async fn sandbox(&self) -> std::result::Result<&dyn Sandbox, Unconfined> {
        let choose = async || {
            let options = self.options.clone();
            let chosen = blocking::run(move || options.choose()).await?;
            Ok::<_, Unconfined>(chosen?.sandbox)
        };
        Ok(&**self.sandbox.get_or_try_init(choose).await?)
    }

    /// Returns what a command of a task may do in a workspace.
    pub(super) async fn policy(
        &self,
        workspace: &str,
        task: &TaskId,
    ) -> std::result::Result<SandboxPolicy, Unconfined> {
        let (options, homes, of) = (self.options.clone(), self.homes.clone(), task.clone());
        let workspace = PathBuf::from(workspace);
        let create = move || {
            let workspace = workspace.canonicalize()?;
            let temp = options.temp.create(&of);
            let temp = temp.map_err(setup("the directory for temporary files"))?;
            options.policy(&workspace, temp, &homes)
        };
        let mut policy = blocking::run(create).await??;
        if let AllowedNetwork::Hosts(hosts) = &self.options.network {
            policy.network = NetworkAccess::Proxy(self.proxy(hosts, &policy.temp, task).await?);
        }
        Ok(policy)
    }

    /// Returns the access of a command to the proxy, which the first one starts.
    async fn proxy(
        &self,
        hosts: &[HostPattern],
        temp: &Path,
        task: &TaskId,
    ) -> std::result::Result<ProxyAccess, SandboxError> {
        let bridge = self.options.bridge.clone().ok_or_else(|| {
            setup("the network of some hosts")(io::Error::other("no bridge is configured"))
        })?;
        let start = async || {
            static PROXIES: AtomicU64 = AtomicU64::new(0);
            let number = PROXIES.fetch_add(1, Ordering::Relaxed);
            // Beside the directories of tasks, in one that only this user can use.
            let name = format!("proxy-{}-{number}", std::process::id());
            let path = temp.with_file_name(name);
            EgressProxy::start(
                path,
                hosts.to_vec(),
                Arc::new(SystemResolver),
                Arc::new(PublicAddresses),
            )
        };
        let proxy = self.proxy.get_or_try_init(start).await.map_err(setup("the proxy"))?;
        Ok(ProxyAccess::new(proxy.path(), proxy.grant(task), bridge))
    }

    /// Removes what the commands of a task had.
    pub(super) async fn end(&self, task: &TaskId) -> Result<()> {
        if let Some(proxy) = self.proxy.get() {
            proxy.revoke(task);
        }
        let (temp, task) = (self.options.temp.clone(), task.clone());
        blocking::run(move || temp.remove(&task)).await?.map_err(|error| {
            let reason = format!("cannot remove the directory for temporary files: {error}");
            az_core::Error::Internal(reason)
        })
    }
}

fn setup(what: &str) -> impl FnOnce(io::Error) -> SandboxError {
    move |source| SandboxError::Setup { what: what.to_owned(), source }
}
