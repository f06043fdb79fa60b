//! A server of the configuration.

use std::sync::Arc;

use az_ai::provider::http::plain_client;
use az_core::digest::sha256_hex;
use az_core::secret::is_secret_name;
use az_mcp::client::{
    Answerer, Era, HttpClient, HttpServer, Limits, ServerClient, ServerCommand, ServerOptions,
    ServerTransport,
};
use serde_json::json;

use super::variables::Variables;
use crate::config::{Env, McpServerSection, header_of};
use crate::error::CliError;
use crate::settings::Settings;

/// Returns a name, with the variables that its value is made of.
fn with_sources((name, value): (&str, &str)) -> String {
    let parts = value.split("${").skip(1);
    let sources: Vec<_> = parts.filter_map(|part| part.split_once('}')).map(|(it, _)| it).collect();
    if sources.is_empty() {
        name.to_owned()
    } else {
        format!("{name} (from {})", sources.join(", "))
    }
}

/// A server of the configuration.
#[derive(Debug)]
pub(crate) struct ConfiguredServer {
    /// Its name.
    pub(crate) name: String,
    /// Its settings.
    pub(crate) section: McpServerSection,
    /// The digest of what is started, or connected to.
    pub(crate) configuration: String,
}

impl ConfiguredServer {
    /// Creates the server with these settings.
    pub(crate) fn new(name: &str, section: &McpServerSection) -> Self {
        let McpServerSection { command, args, env, env_file, cwd, url, headers, .. } = section;
        let what = json!([command, args, env, env_file, cwd, url, headers]);
        let configuration = sha256_hex(what.to_string());
        Self { name: name.to_owned(), section: section.clone(), configuration }
    }

    /// Returns what is started, or connected to, on one line.
    pub(crate) fn in_words(&self) -> String {
        match (&self.section.command, &self.section.url) {
            (Some(command), _) => {
                let words = std::iter::once(command).chain(&self.section.args);
                let words: Vec<_> = words.map(String::as_str).collect();
                shlex::try_join(words.iter().copied()).unwrap_or_else(|_| words.join(" "))
            }
            (None, Some(url)) => az_ai::catalog::displayed_url(url),
            (None, None) => String::new(),
        }
    }

    /// Returns the names of the variables that it gets beside the usual ones, and where their values are from.
    pub(crate) fn variables(&self) -> Vec<String> {
        let names = self.section.env.iter();
        names.map(|it| it.split_once('=').map_or_else(|| it.clone(), with_sources)).collect()
    }

    /// Returns the names of the headers that it gets, and where their values are from.
    pub(crate) fn headers(&self) -> Vec<String> {
        self.section.headers.iter().filter_map(|it| it.split_once(':')).map(with_sources).collect()
    }

    /// Returns the values that are secrets: those of its file of variables, of variables that are named like secrets,
    /// and of headers.
    pub(crate) fn secrets(&self, settings: &Settings, env: &Env) -> Vec<String> {
        let set = self.section.env.iter().filter_map(|variable| variable.split_once('='));
        let is_secret = |(name, value): &(&str, &str)| is_secret_name(name) || value.contains("${");
        let headers = self.section.headers.iter().filter_map(|header| header_of(header));
        let values: Vec<_> =
            set.filter(is_secret).chain(headers).map(|(_, value)| value.to_owned()).collect();
        let Ok(variables) = self.read_variables(settings, env) else { return values };
        let mut secrets: Vec<_> = variables.secrets().map(str::to_owned).collect();
        for value in values {
            let value = variables.replaced(&value).unwrap_or(value);
            // `Bearer KEY`: a server may repeat the key alone.
            secrets.extend(value.rsplit_once(' ').map(|(_, last)| last.to_owned()));
            secrets.push(value);
        }
        secrets
    }

    fn read_variables<'e>(
        &self,
        settings: &Settings,
        env: &'e Env,
    ) -> Result<Variables<'e>, CliError> {
        Variables::of(&self.name, self.section.env_file.as_deref(), settings, env)
    }

    /// Returns what is accepted from it.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        if let Some(silence) = self.section.timeout {
            limits.silence = silence;
        }
        limits
    }

    /// Creates its client, which starts nothing yet. `known` is the era that the server was of
    /// before.
    ///
    /// # Errors
    ///
    /// A settings error for a server that is neither a program nor an address, a variable that is not set,
    /// or a file of the network that cannot be read.
    pub(crate) fn client(
        &self,
        settings: &Settings,
        env: &Env,
        (known, answerer): (Era, Answerer),
    ) -> Result<Arc<ServerClient>, CliError> {
        let variables = self.read_variables(settings, env)?;
        let transport = match (&self.section.command, &self.section.url) {
            (Some(command), _) => {
                ServerTransport::Command(self.command(command, &variables, settings, env)?)
            }
            (None, Some(url)) => ServerTransport::Http(self.http(url, &variables, settings, env)?),
            (None, None) => {
                let what = "has neither a command nor a url; set one of them, or remove the server";
                return Err(self.problem(settings, "", what));
            }
        };
        let options = ServerOptions::new(&self.name, transport)
            .with_era(self.section.era)
            .with_roots(std::env::current_dir())
            .with_limits(self.limits())
            .with_answerer(answerer);
        Ok(Arc::new(ServerClient::new(options).with_known_era(known)))
    }

    fn command(
        &self,
        program: &str,
        variables: &Variables<'_>,
        settings: &Settings,
        env: &Env,
    ) -> Result<ServerCommand, CliError> {
        let mut command =
            ServerCommand::new(program, &self.section.args).with_inherited_env(env.all());
        for variable in &self.section.env {
            command = match variable.split_once('=') {
                Some((name, value)) => {
                    let value = variables.replaced(value);
                    let value = value.map_err(|unset| self.unset(settings, "env", &unset))?;
                    command.with_env(name, value)
                }
                None => match variables.get(variable) {
                    Some(value) => command.with_env(variable, value),
                    None => return Err(self.unset(settings, "env", variable)),
                },
            };
        }
        if let Some(directory) = &self.section.cwd {
            let key = format!("mcp.servers.{}.cwd", self.name);
            command = command.in_directory(settings.file.beside(&key, directory));
        }
        Ok(command)
    }

    fn http(
        &self,
        url: &str,
        variables: &Variables<'_>,
        settings: &Settings,
        env: &Env,
    ) -> Result<HttpServer, CliError> {
        let options = settings.http_options(env)?;
        // Creating one reads the certificates of the system.
        let create = move || plain_client(&options).map_err(|error| error.to_string());
        let mut server = HttpServer::new(url, HttpClient::when_needed(create));
        for (name, value) in self.section.headers.iter().filter_map(|header| header_of(header)) {
            let value = variables.replaced(value);
            let value = value.map_err(|unset| self.unset(settings, "headers", &unset))?;
            server = server.with_header(name, value);
        }
        Ok(server)
    }

    fn unset(&self, settings: &Settings, field: &str, variable: &str) -> CliError {
        let what = format!(
            "the variable {variable} is set neither in its env_file nor in the environment of az"
        );
        self.problem(settings, field, &what)
    }

    fn problem(&self, settings: &Settings, field: &str, what: &str) -> CliError {
        let point = if field.is_empty() { "" } else { "." };
        let key = format!("mcp.servers.{}{point}{field}", self.name);
        settings.file.problem(&key, what).into()
    }
}
