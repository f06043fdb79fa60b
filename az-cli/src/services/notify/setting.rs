//! The settings of notifications.

use az_ai::provider::http::HttpClient;
use ring::hmac;

use super::Hook;
use crate::config::Env;
use crate::error::CliError;
use crate::settings::Settings;

impl Settings {
    /// Returns the server that is sent notifications, if one is configured.
    ///
    /// # Errors
    ///
    /// A settings error for an address without a key, or a key that cannot be read.
    pub(crate) fn notify_hook(&self, env: &Env) -> Result<Option<Hook>, CliError> {
        let Some(url) = self.notify.url.clone() else { return Ok(None) };
        let key = self.notify_key(env)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.trim().as_bytes());
        let http = HttpClient::new(&self.http_options(env)?)
            .map_err(|error| self.file.problem("notify.url", &error.chain()))?;
        Ok(Some(Hook { url, key, http }))
    }

    fn notify_key(&self, env: &Env) -> Result<String, CliError> {
        let problem = |key, what: &str| self.file.problem(key, what).into();
        if let Some(path) = &self.notify.key_file {
            let (name, key) = self.named_file("notify.key_file", path)?;
            let is_empty = key.trim().is_empty();
            return match is_empty {
                true => Err(problem("notify.key_file", &format!("{name} is empty"))),
                false => Ok(key),
            };
        }
        let Some(name) = &self.notify.key_env else {
            let what = "requests are signed: set notify.key_file or notify.key_env";
            return Err(problem("notify.url", what));
        };
        let key = env.get(name).filter(|key| !key.trim().is_empty()).map(str::to_owned);
        key.ok_or_else(|| problem("notify.key_env", &format!("the variable {name} is not set")))
    }
}
