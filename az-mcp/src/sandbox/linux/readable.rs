//! Which paths are granted so that everything but hidden paths can be read.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the paths that have to be granted, with all that is beneath them, so that everything
/// beneath `roots` can be read except what is beneath `hidden`. The hidden paths have to be
/// canonical.
///
/// A directory with something hidden is replaced by what is in it. What is created in it later
/// cannot be read. Links in it are left out: what they refer to is granted where it is.
pub(super) fn readable(roots: &[PathBuf], hidden: &[PathBuf]) -> Vec<PathBuf> {
    let mut granted = Vec::new();
    for root in roots.iter().filter_map(|root| root.canonicalize().ok()) {
        add(root, hidden, &mut granted);
    }
    granted
}

fn add(path: PathBuf, hidden: &[PathBuf], granted: &mut Vec<PathBuf>) {
    if hidden.iter().any(|hidden| path.starts_with(hidden)) {
        return;
    }
    if !hidden.iter().any(|hidden| hidden.starts_with(&path)) {
        granted.push(path);
        return;
    }
    for entry in fs::read_dir(&path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
            add(entry.path(), hidden, granted);
        }
    }
}

/// Returns the paths that exist, without links.
pub(super) fn canonical<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Vec<PathBuf> {
    paths.into_iter().filter_map(|path| path.canonicalize().ok()).collect()
}

/// Returns the first of the hidden paths that is beneath a root.
pub(super) fn hidden_beneath<'a>(roots: &[PathBuf], hidden: &'a [PathBuf]) -> Option<&'a Path> {
    let is_beneath = |path: &&PathBuf| roots.iter().any(|root| path.starts_with(root));
    hidden.iter().find(is_beneath).map(PathBuf::as_path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn all_is_granted_but_what_is_hidden_and_links() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for name in
            ["home/.ssh", "home/.config/gh", "home/.config/other", "home/src/deep", "usr/lib"]
        {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        fs::write(root.join("home/.netrc"), "").unwrap();
        fs::write(root.join("home/file"), "").unwrap();
        symlink(root.join("home/.ssh"), root.join("home/link")).unwrap();
        let hidden = ["home/.ssh", "home/.netrc", "home/.config/gh"].map(|name| root.join(name));
        let mut granted = readable(std::slice::from_ref(&root), &hidden);
        granted.sort();
        let expect = ["home/.config/other", "home/file", "home/src", "usr"];
        assert_eq!(granted, expect.map(|name| root.join(name)));
        assert_eq!(readable(&[root.join("usr")], &hidden), [root.join("usr")]);
        assert_eq!(readable(&[root.join("home/.ssh")], &hidden), Vec::<PathBuf>::new());
    }
}
