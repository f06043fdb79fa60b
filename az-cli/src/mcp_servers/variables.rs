//! The variables of servers: from a file, and from the environment of `az`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::Env;
use crate::error::CliError;
use crate::settings::Settings;

/// The variables that a server's `env` and `headers` may name.
#[derive(Debug)]
pub(super) struct Variables<'e> {
    file: BTreeMap<String, String>,
    env: &'e Env,
}

impl<'e> Variables<'e> {
    /// Reads the file of a server, if it has one.
    ///
    /// # Errors
    ///
    /// A settings error for a file that cannot be read, or is not of the form `NAME=VALUE`.
    pub(super) fn of(
        server: &str,
        file: Option<&Path>,
        settings: &Settings,
        env: &'e Env,
    ) -> Result<Self, CliError> {
        let Some(path) = file else { return Ok(Self { file: BTreeMap::new(), env }) };
        let key = format!("mcp.servers.{server}.env_file");
        let path = settings.file.beside(&key, path);
        let file = Env::default().with_file_of(&key, &path)?.all().collect();
        Ok(Self { file, env })
    }

    /// Returns the value of a variable: that of the file, or else that of the environment.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.file.get(name).map(String::as_str).or_else(|| self.env.get(name))
    }

    /// Returns the values of the file, which are secrets.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.file.values().map(String::as_str)
    }

    /// Returns a text with the values of the variables that it names as `${NAME}`.
    ///
    /// # Errors
    ///
    /// The name of a variable that is not set.
    pub(super) fn replaced(&self, text: &str) -> Result<String, String> {
        let (mut replaced, mut rest) = (String::with_capacity(text.len()), text);
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else { break };
            let value = self.get(name).ok_or_else(|| name.to_owned())?;
            replaced.push_str(before);
            replaced.push_str(value);
            rest = after;
        }
        replaced.push_str(rest);
        Ok(replaced)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Variables;
    use crate::config::Env;

    #[test]
    fn variables_in_a_text_are_replaced() {
        let env = Env::from([("TOKEN", "of the environment"), ("OTHER", "x")]);
        let file = BTreeMap::from([("TOKEN".to_owned(), "of the file".to_owned())]);
        let variables = Variables { file, env: &env };
        let replaced = |text| variables.replaced(text);
        assert_eq!(replaced("Bearer ${TOKEN}${OTHER}!"), Ok("Bearer of the filex!".to_owned()));
        assert_eq!(replaced("$TOKEN ${"), Ok("$TOKEN ${".to_owned()));
        assert_eq!(replaced("${MISSING}"), Err("MISSING".to_owned()));
    }
}
