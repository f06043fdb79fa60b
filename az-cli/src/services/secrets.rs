//! The secrets that the configuration and the environment name.

use std::path::Path;

use az_mcp::secrets::KnownSecrets;

use super::Services;
use crate::config::{ProxyAddress, read_small};
use crate::error::CliError;
use crate::mcp_servers::ConfiguredServer;
use crate::redact::{Redactor, secrets_of};

/// The largest file that is read as one of a key, in bytes.
const LARGEST_KEY: u64 = 64 << 10;

impl Services {
    /// Returns a redactor of the known secrets.
    pub fn redactor(&self) -> Redactor {
        Redactor::of(self.known_secrets())
    }

    /// Returns the known secrets: keys of the configuration, of the files that it names and of the directory
    /// of keys, variables whose names say so, and passwords of proxies. A file that cannot be read has no
    /// secret that a tool could read.
    ///
    /// # Errors
    ///
    /// A settings error for secrets that are too large to search for.
    pub(crate) fn secrets(&self) -> Result<KnownSecrets, CliError> {
        self.known_secrets().map_err(CliError::Settings)
    }

    fn known_secrets(&self) -> Result<KnownSecrets, String> {
        let find = || KnownSecrets::new(self.find_secrets()).map_err(|error| error.to_string());
        self.secrets.get_or_init(find).clone()
    }

    fn find_secrets(&self) -> Vec<String> {
        let mut secrets = secrets_of(&self.env);
        secrets.extend(self.settings.network.proxy.iter().filter_map(ProxyAddress::password));
        for (i, entry) in self.settings.llm.providers.iter().enumerate() {
            secrets.extend(entry.api_key.iter().map(|key| key.expose_secret().to_owned()));
            secrets.extend(
                entry.api_key_env.iter().filter_map(|name| self.env.get(name)).map(str::to_owned),
            );
            let key = format!("llm.providers[{i}].api_key_file");
            let file = entry.api_key_file.as_ref();
            secrets.extend(file.and_then(|path| {
                read_small(&self.settings.file.beside(&key, Path::new(path)), LARGEST_KEY)
            }));
        }
        for (name, section) in &self.settings.mcp.servers {
            let server = ConfiguredServer::new(name, section);
            secrets.extend(server.secrets(&self.settings, &self.env));
        }
        let user = self.settings.layers.files().user.as_deref().and_then(Path::parent);
        let keys = user.and_then(|directory| std::fs::read_dir(directory.join("keys")).ok());
        secrets.extend(
            keys.into_iter()
                .flatten()
                .flatten()
                .filter_map(|entry| read_small(&entry.path(), LARGEST_KEY)),
        );
        secrets
    }
}
