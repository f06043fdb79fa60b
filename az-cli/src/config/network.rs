//! The settings about the way to the providers.

use std::fmt;
use std::path::{Path, PathBuf};

use az_ai::provider::network::Network;
use serde::Deserialize;

use super::problem::ConfigError;
use super::{Env, FoundConfig};

/// The section about proxies and certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSection {
    /// The proxy of all requests, such as `http://proxy:3128`. Without it, the variables of the
    /// environment name the proxies.
    pub proxy: Option<ProxyAddress>,
    /// The hosts that no proxy is used for, separated by commas; without it, those of the variable `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// A file with further certificate authorities, in PEM; its path is relative to the file that sets it.
    pub ca_file: Option<PathBuf>,
    /// A file with the client's certificate, in PEM, which may also hold its private key.
    pub client_certificate: Option<PathBuf>,
    /// A file with the private key of the client's certificate, in PEM.
    pub client_key: Option<PathBuf>,
}

/// The address of a proxy. It may contain a password, so it is not printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ProxyAddress(String);

impl ProxyAddress {
    /// Returns the password in the address, for a search that masks it in texts.
    pub(crate) fn password(&self) -> Option<String> {
        password_of(&self.0)
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyAddress(..)")
    }
}

impl NetworkSection {
    /// Returns the network that the section and the environment describe.
    ///
    /// # Errors
    ///
    /// A settings error for a file that cannot be read, and for a key without its certificate.
    pub fn network(&self, file: &FoundConfig, env: &Env) -> Result<Network, ConfigError> {
        let mut network = match &self.proxy {
            None => of_environment(env),
            Some(ProxyAddress(url)) => {
                let origin = origin(file, "network.proxy");
                Network::default().with_http_proxy(url, &origin).with_https_proxy(url, &origin)
            }
        };
        let unproxied =
            self.no_proxy.clone().or_else(|| variable(env, "NO_PROXY").map(|(_, hosts)| hosts));
        network = network.without_proxy_for(unproxied.unwrap_or_default());
        if let Some(path) = &self.ca_file {
            let key = "network.ca_file";
            network = network.with_ca(read(file, key, path)?, shown(file, key, path));
        }
        match (&self.client_certificate, &self.client_key) {
            (None, None) => Ok(network),
            (None, Some(_)) => {
                let what = "needs the certificate of the key: set network.client_certificate";
                Err(file.problem("network.client_key", what))
            }
            (Some(path), private) => {
                let key = "network.client_certificate";
                let mut pem = read(file, key, path)?;
                if let Some(private) = private {
                    pem.push(b'\n');
                    pem.extend(read(file, "network.client_key", private)?);
                }
                Ok(network.with_identity(pem, shown(file, key, path)))
            }
        }
    }
}

/// Returns the proxies that variables of the environment name.
fn of_environment(env: &Env) -> Network {
    let proxy = |name| variable(env, name).or_else(|| variable(env, "ALL_PROXY"));
    let mut network = Network::default();
    if let Some((name, url)) = proxy("HTTP_PROXY") {
        network = network.with_http_proxy(url, format!("${name}"));
    }
    if let Some((name, url)) = proxy("HTTPS_PROXY") {
        network = network.with_https_proxy(url, format!("${name}"));
    }
    network
}

/// Returns the name and the value of a variable, in lower case or, if that is not set, in upper case.
fn variable(env: &Env, name: &str) -> Option<(String, String)> {
    let names = [name.to_lowercase(), name.to_owned()];
    names.into_iter().find_map(|name| Some((name.clone(), env.get(&name)?.to_owned())))
}

fn read(file: &FoundConfig, key: &str, path: &Path) -> Result<Vec<u8>, ConfigError> {
    let path = file.beside(key, path);
    let refused = |error| file.problem(key, &format!("{}: {error}", path.display()));
    std::fs::read(&path).map_err(refused)
}

/// Returns where a setting is made.
fn origin(file: &FoundConfig, key: &str) -> String {
    file.origins.get(key).map_or_else(|| key.to_owned(), |origin| origin.of(key))
}

fn shown(file: &FoundConfig, key: &str, path: &Path) -> String {
    format!("{}: {}", origin(file, key), file.beside(key, path).display())
}

/// Returns the password in an address such as `http://user:password@host`.
pub(crate) fn password_of(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    let (user, _) = rest.split_once('/').unwrap_or((rest, "")).0.rsplit_once('@')?;
    user.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use az_ai::provider::network::Network;

    use super::{NetworkSection, ProxyAddress};
    use crate::config::{Env, FoundConfig};

    fn network(section: &NetworkSection, env: &Env) -> Network {
        section.network(&FoundConfig::default(), env).unwrap()
    }

    #[test]
    fn proxies_come_from_the_variables_in_both_cases_unless_the_file_sets_one() {
        let unset = NetworkSection::default();
        let all = [("all_proxy", "http://all"), ("HTTPS_PROXY", "http://s"), ("NO_PROXY", "a,b")];
        let expected = Network::default()
            .with_http_proxy("http://all", "$all_proxy")
            .with_https_proxy("http://s", "$HTTPS_PROXY")
            .without_proxy_for("a,b");
        assert_eq!(network(&unset, &Env::from(all)), expected);
        let both = [("https_proxy", "http://lower"), ("HTTPS_PROXY", "http://upper")];
        let expected = Network::default().with_https_proxy("http://lower", "$https_proxy");
        assert_eq!(network(&unset, &Env::from(both)), expected);

        let set = |proxy: &str| NetworkSection {
            proxy: Some(ProxyAddress(proxy.to_owned())),
            no_proxy: Some("c,d".to_owned()),
            ..NetworkSection::default()
        };
        let expected = Network::default()
            .with_http_proxy("http://p", "network.proxy")
            .with_https_proxy("http://p", "network.proxy")
            .without_proxy_for("c,d");
        assert_eq!(network(&set("http://p"), &Env::from(all)), expected);
        assert!(!format!("{:?}", set("http://canary")).contains("canary"));
    }

    #[test]
    fn a_file_that_is_missing_is_named_with_its_setting() {
        let missing = || Some("/nonexistent/ca.pem".into());
        let ca = NetworkSection { ca_file: missing(), ..NetworkSection::default() };
        let key = NetworkSection { client_key: missing(), ..NetworkSection::default() };
        for (section, expected) in [
            (ca, "network.ca_file: /nonexistent/ca.pem: No such file"),
            (key, "network.client_key: needs the certificate of the key"),
        ] {
            let error = section.network(&FoundConfig::default(), &Env::from([])).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }
}
