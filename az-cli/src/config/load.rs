//! Reads the layers and resolves them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use az_ai::routing::locate_rules;
use az_mcp::policy::RuleFile;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::Env;
use super::document::{Document, LayerText};
use super::files::ConfigFiles;
use super::key::Key;
use super::keys::KEYS;
use super::kind::Kind;
use super::layer::{Layer, Origin};
use super::merge::is_personal;
use super::merge::{ALTERNATIVES, Merged, may_set, remove_unless};
use super::path::visit_keys;
use super::problem::{ConfigError, ConfigProblem};
use super::sections::FileConfig;
use super::tool_rules::rules_of;
use super::trust::{TrustRecord, digest};
use super::value::{SettingValue, unmasked, value_of};

/// The layers as they were read.
#[derive(Debug, Clone, Default)]
pub struct ConfigLayers {
    files: ConfigFiles,
    /// The texts, from the weakest layer to the strongest.
    texts: Vec<LayerText>,
    /// The record of trust; it is read if there is a project file.
    trusted: Option<std::sync::Arc<TrustRecord>>,
    /// The home directory, which `~/` means in paths.
    home: Option<PathBuf>,
}

/// The state of a project file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProjectState {
    /// Its path.
    pub path: PathBuf,
    /// The digest that trust binds to.
    pub digest: String,
    /// Whether it is trusted as it is now.
    pub trusted: bool,
    /// The keys that it sets and that count only once it is trusted.
    pub withheld: Vec<String>,
}

/// The resolved configuration.
#[derive(Debug, Clone, Default)]
pub struct FoundConfig {
    /// The values.
    pub config: FileConfig,
    /// The project file, if there is one.
    pub project: Option<ProjectState>,
    /// The rules about tool calls, by layer, those of the strongest first.
    pub rules: Vec<(Layer, RuleFile)>,
    /// Where each value comes from, by the full name of its key.
    pub origins: BTreeMap<String, Origin>,
    /// The user's file.
    pub(crate) user: Option<PathBuf>,
    home: Option<PathBuf>,
}

impl ConfigLayers {
    /// Reads the files and variables. `directory` is where the search for a project file begins.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or that `AZ_CONFIG` names and does not exist.
    pub fn read(env: &Env, directory: Option<&Path>) -> Result<Self, ConfigError> {
        let (layers, errors) = Self::read_all(env, directory);
        errors.into_iter().next().map_or(Ok(layers), Err)
    }

    /// Reads the files and variables that are valid; returns them with what is wrong with the others.
    pub fn read_valid(env: &Env, directory: Option<&Path>) -> (Self, Vec<ConfigError>) {
        let (mut layers, mut errors) = Self::read_all(env, directory);
        layers.texts.retain(|text| match text.parse() {
            Ok(_) => true,
            Err(problems) => {
                errors.push(ConfigError::Invalid(problems));
                false
            }
        });
        (layers, errors)
    }

    fn read_all(env: &Env, directory: Option<&Path>) -> (Self, Vec<ConfigError>) {
        let files = ConfigFiles::find(env, directory);
        let project = files.project.as_deref();
        let in_files = [
            LayerText::read(Layer::System, &files.system),
            user_text(&files),
            project.map_or(Ok(None), |path| LayerText::read(Layer::Project, path)),
        ];
        let (mut texts, mut errors) = (Vec::new(), Vec::new());
        for read in in_files.into_iter().chain(of_variables(env)) {
            match read {
                Ok(text) => texts.extend(text),
                Err(error) => errors.push(error),
            }
        }
        let trusted = texts.iter().any(|text| text.layer == Layer::Project);
        let trusted = trusted.then(|| TrustRecord::read(env).into());
        (Self { files, texts, trusted, home: env.path("HOME") }, errors)
    }

    /// Returns the paths of the files.
    pub const fn files(&self) -> &ConfigFiles {
        &self.files
    }

    /// Adds the settings of the store, by their full names.
    pub fn add_store(&mut self, settings: &BTreeMap<String, serde_json::Value>) {
        let source = "the store";
        // Other programs may keep settings of their own in the table. A key that a store cannot set does
        // not count, so that its value is not checked either.
        let known = settings.iter().filter(|(key, _)| may_set(Layer::Store, key));
        let added = known.filter_map(|(key, value)| {
            let toml = super::value::toml_of_json(value)?;
            Some(LayerText::of_value(Layer::Store, source, key, &toml))
        });
        self.texts.extend(added);
        // Stable: system, user, store, project, environment.
        self.texts.sort_by_key(|text| std::cmp::Reverse(text.layer));
    }

    /// Adds an option of the command line. Variables that it overrides are not looked at.
    pub fn add_flag(&mut self, option: &str, key: &str, value: &str) {
        let overridden = |text: &LayerText| {
            let is_store = ALTERNATIVES.contains(&key);
            is_store && ["AZ_STORE", "AZ_DATA_DIR"].contains(&text.source.as_str())
        };
        self.texts.retain(|text| !overridden(text));
        let toml = toml_edit::Value::from(value).to_string();
        self.texts.push(LayerText::of_value(Layer::Flag, option, key, &toml));
    }

    /// Resolves the layers.
    ///
    /// # Errors
    ///
    /// All problems of all layers.
    pub fn resolve(&self) -> Result<FoundConfig, ConfigError> {
        self.merged(|found, _| Ok(found))
    }

    /// Resolves the layers, and returns each key that is set or has a default, with its value.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub fn values(&self) -> Result<(FoundConfig, Vec<SettingValue>), ConfigError> {
        self.merged(|found, root| {
            let values = value_of(root, &found.origins);
            Ok((found, values))
        })
    }

    /// Returns what a project file sets that counts only once it is trusted: each key with the value
    /// that it has without the file, and with it. The values of the file are not masked: what is
    /// trusted has to be seen.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub fn withheld_values(&self) -> Result<Vec<(SettingValue, SettingValue)>, ConfigError> {
        let without = Self {
            texts: self.texts.iter().filter(|text| text.layer != Layer::Project).cloned().collect(),
            ..self.clone()
        };
        let (_, now) = without.values()?;
        let documents = self.documents()?;
        let project = documents.iter().find(|document| document.of.layer == Layer::Project);
        let Some(project) = project else { return Ok(Vec::new()) };
        let set = unmasked(project.toml.root());
        let set = set.into_iter().filter(|(key, _)| !may_set(Layer::Project, key));
        let changes = set.map(|(key, value)| {
            let known = now.iter().find(|setting| setting.key == key);
            let now = known.and_then(|setting| setting.value.clone());
            let origin = Some(project.of.origin(project.origins.get(&key)));
            let before = SettingValue { key: key.clone(), value: now, origin: None };
            (before, SettingValue { key, value: Some(value), origin })
        });
        Ok(changes.collect())
    }

    fn merged<T>(
        &self,
        then: impl FnOnce(FoundConfig, &DeTable<'_>) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        let documents = self.documents()?;
        let mut merged = Merged::default();
        let (mut project, mut of_tools) = (None, Vec::new());
        for document in &documents {
            let mut root = document.toml.root().clone();
            let layer = document.of.layer;
            if layer == Layer::Project {
                let state = self.project_state(document, &mut root);
                project = Some(state);
            } else {
                remove_unless(&mut root, "", &|full| may_set(layer, full));
            }
            let file = rules_of(document, &root);
            if !file.0.is_empty() {
                of_tools.insert(0, (layer, file));
            }
            merged.add(document, root);
        }
        let Merged { root, origins } = merged;
        let read = Deserializer::from(Spanned::new(0..0, root.clone()));
        let mut config = FileConfig::deserialize(read)
            .map_err(|error| ConfigError::Setting(error.message().to_owned()))?;
        let rules = origins.get("llm.routing_rules");
        let of_rules = |document: &&Document<'_>| {
            rules.is_some_and(|origin| origin.layer == document.of.layer)
        };
        if let Some(document) = documents.iter().find(of_rules) {
            let rules = &mut config.llm.routing_rules;
            locate_rules(&document.toml, &["llm", "routing_rules"], rules);
        }
        let (user, home) = (self.files.user.clone(), self.home.clone());
        then(FoundConfig { config, project, rules: of_tools, origins, user, home }, &root)
    }

    fn documents(&self) -> Result<Vec<Document<'_>>, ConfigError> {
        let mut problems: Vec<ConfigProblem> = Vec::new();
        let mut documents = Vec::new();
        for text in &self.texts {
            match text.parse() {
                Ok(document) => documents.push(document),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(documents) } else { Err(ConfigError::Invalid(problems)) }
    }

    /// Removes from a project's table what counts only once the file is trusted, unless it is.
    fn project_state(&self, document: &Document<'_>, root: &mut DeTable<'_>) -> ProjectState {
        let path = document.of.path.clone().unwrap_or_default();
        let mut harmless = root.clone();
        let withheld = remove_unless(&mut harmless, "", &|full| may_set(Layer::Project, full));
        let digest = digest(&document.of.text, &self.named_files(&path, root));
        let trusted = self.trusted.as_ref().is_some_and(|record| record.trusts(&path, &digest));
        remove_unless(root, "", &|full| !is_personal(full));
        if !trusted {
            // The lifetime of the clone is that of the text, too.
            remove_unless(root, "", &|full| may_set(Layer::Project, full));
        }
        ProjectState { path, digest, trusted, withheld }
    }

    /// Returns the files that a project file names: of rules, prices, certificates and keys. They decide
    /// which models get the data, over which connections, and with which account.
    fn named_files(&self, path: &Path, root: &DeTable<'_>) -> Vec<PathBuf> {
        let mut named = Vec::new();
        add_paths(KEYS, root, &mut named);
        let home = self.home.as_deref();
        named.into_iter().map(|named| absolute(named, path.parent(), home)).collect()
    }
}

/// Reads the variables that set a key.
fn of_variables(env: &Env) -> Vec<Result<Option<LayerText>, ConfigError>> {
    let mut texts = Vec::new();
    visit_keys("", KEYS, &mut |prefix, key| {
        if let Some((name, value)) = key.variable.and_then(|name| Some((name, env.get(name)?))) {
            let toml = key.kind.literal(value);
            let toml = toml.map_err(|what| ConfigError::Setting(format!("{name}: {what}")));
            let full = format!("{prefix}{}", key.name);
            let of = |toml: String| LayerText::of_value(Layer::Environment, name, &full, &toml);
            texts.push(toml.map(|toml| Some(of(toml))));
        }
    });
    texts
}

/// Adds the paths that a table with these keys contains, in the order of the keys.
fn add_paths<'t>(keys: &'static [Key], table: &'t DeTable<'_>, paths: &mut Vec<&'t Path>) {
    for key in keys {
        match (key.kind, table.get(key.name).map(|value| value.get_ref())) {
            (Kind::Path, Some(DeValue::String(path))) => paths.push(Path::new(&**path)),
            (Kind::Table(keys), Some(DeValue::Table(below))) => add_paths(keys, below, paths),
            (Kind::NamedTables(keys), Some(DeValue::Table(below))) => {
                let tables = below.values().filter_map(|table| table.get_ref().as_table());
                tables.for_each(|table| add_paths(keys, table, paths));
            }
            (Kind::Tables(keys), Some(DeValue::Array(items))) => {
                let tables = items.iter().filter_map(|item| item.get_ref().as_table());
                tables.for_each(|table| add_paths(keys, table, paths));
            }
            _ => {}
        }
    }
}

/// Returns a path of a file's text: `~/` is the home directory, and a relative path begins at the
/// directory of the file.
fn absolute(path: &Path, directory: Option<&Path>, home: Option<&Path>) -> PathBuf {
    let below_home = path.strip_prefix("~").ok().filter(|rest| !rest.as_os_str().is_empty());
    match (below_home, home, directory) {
        (Some(rest), Some(home), _) => home.join(rest),
        (Some(_), None, _) | (None, _, None) => path.to_owned(),
        (None, _, Some(directory)) => directory.join(path),
    }
}

fn user_text(files: &ConfigFiles) -> Result<Option<LayerText>, ConfigError> {
    let Some(path) = &files.user else { return Ok(None) };
    let text = match LayerText::read(Layer::User, path) {
        Err(ConfigError::Io { source, .. }) if files.user_is_named => {
            return Err(ConfigError::Setting(format!("AZ_CONFIG: {}: {source}", path.display())));
        }
        text => text?,
    };
    if text.is_none() && files.user_is_named {
        let error = std::io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error());
        return Err(ConfigError::Setting(format!("AZ_CONFIG: {}: {error}", path.display())));
    }
    Ok(text)
}

impl FoundConfig {
    /// Returns the error of a setting, with the location of its value; `key` is the setting's name,
    /// such as `llm.base_url`.
    pub fn problem(&self, key: &str, what: &str) -> ConfigError {
        let place = match (self.origins.get(key), &self.user) {
            (Some(origin), _) => format!("{origin}: "),
            (None, Some(path)) => format!("{}: ", path.display()),
            (None, None) => String::new(),
        };
        ConfigError::Setting(format!("{place}{key}: {what}"))
    }

    /// Returns the path of a file that a key names: relative to the file that sets the key, or to the home
    /// directory if it begins with `~/`.
    pub fn beside(&self, key: &str, path: &Path) -> PathBuf {
        let file = self.origins.get(key).and_then(|origin| origin.path.as_deref());
        absolute(path, file.and_then(Path::parent), self.home.as_deref())
    }
}
