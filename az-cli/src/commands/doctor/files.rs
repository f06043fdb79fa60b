//! Checks who can read the files that hold secrets.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use az_core::text::plural;

use super::installation::Installation;
use crate::config::ConfigFile;
use crate::config::Layer;
use crate::views::CheckView;

const FILES: &str = "files";

/// The bits of a file's mode that let other users than the owner do anything.
const OTHERS: u32 = 0o077;

/// Checks the files of keys, those of the configuration that contain one, and the store.
pub(super) fn check(installation: &Installation) -> Vec<CheckView> {
    let mut files: Vec<PathBuf> = installation.env_file.iter().cloned().collect();
    let user = installation.config_files.user.as_deref();
    files.extend(user.filter(|path| holds_key(path)).map(Path::to_owned));
    files.extend(user.into_iter().flat_map(keys_beside));
    if let Some(services) = &installation.services {
        files.extend(services.settings().key_files());
        files.extend(services.settings().store.file().map(Path::to_owned));
    }
    files.retain(|path| path.exists());
    files.sort();
    files.dedup();
    let open: Vec<_> = files.iter().filter_map(|path| readable_by_others(path)).collect();
    if open.is_empty() {
        let found = match files.len() {
            0 => "no file holds a secret".to_owned(),
            count => format!("only this user can use the {} with secrets", plural(count, "file")),
        };
        return vec![CheckView::ok(FILES, found)];
    }
    open
}

/// Whether a file of the configuration contains a key. One that is not valid may contain one.
fn holds_key(path: &Path) -> bool {
    let text = ConfigFile::read(Layer::User, path).map(|file| file.text().to_owned());
    text.is_ok_and(|text| {
        let names = text.lines().filter_map(|line| line.split_once('='));
        names.into_iter().any(|(name, _)| name.trim().trim_matches('"').ends_with("api_key"))
    })
}

/// Returns the files of keys that `az config set llm.api_key` writes.
fn keys_beside(config: &Path) -> Vec<PathBuf> {
    let directory = config.parent().map(|parent| parent.join("keys"));
    let files = directory.and_then(|directory| std::fs::read_dir(directory).ok());
    files.into_iter().flatten().flatten().map(|file| file.path()).collect()
}

fn readable_by_others(path: &Path) -> Option<CheckView> {
    let mode = std::fs::metadata(path).ok()?.mode() & 0o7777;
    if mode & OTHERS == 0 {
        return None;
    }
    let shown = path.display().to_string();
    let remedy = format!("chmod 600 {}", crate::suggestion::quoted(&shown));
    let found = format!("other users can use it (mode {mode:04o}), and it holds secrets");
    Some(CheckView::warning(FILES, found).about(shown).with_remedy(remedy))
}
