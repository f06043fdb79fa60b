//! What commands may change of a git repository.
//!
//! Git works in it: objects, references, the index, and files such as `HEAD` and `ORIG_HEAD` can be
//! changed. What decides which programs git runs cannot: its configuration and hooks, and the files
//! that lead it to another directory.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, mkdirat, open, openat};

use super::protected::Protected;

/// The name of the directory of a repository, or of a file that names it.
pub(super) const NAME: &str = ".git";

/// What is protected in the directory of a repository. The repositories of submodules are in
/// `modules`.
const IN_REPOSITORY: [&str; 6] =
    ["commondir", "config", "config.worktree", "hooks", "info/attributes", "modules"];
/// What is protected in the directory of a linked work tree.
const IN_WORKTREE: [&str; 3] = ["commondir", "config.worktree", "gitdir"];
/// What of a repository a commit in a linked work tree changes.
const SHARED: [&str; 3] = ["logs", "objects", "refs"];

/// Returns what is protected of the repository of a workspace.
pub(super) fn protected(workspace: &Path) -> Protected {
    let git = workspace.join(NAME);
    let Ok(found) = git.symlink_metadata() else { return Protected::default() };
    if found.is_dir() {
        create_missing(&git);
        let worktrees = fs::read_dir(git.join("worktrees")).into_iter().flatten().flatten();
        let in_worktrees = worktrees.flat_map(|entry| existing(&entry.path(), &IN_WORKTREE));
        let protect = existing(&git, &IN_REPOSITORY).into_iter().chain(in_worktrees).collect();
        return Protected { protect, write: Vec::new() };
    }
    let mut protected = linked(&git).unwrap_or_default();
    protected.protect.push(git);
    protected
}

fn existing(directory: &Path, names: &[&str]) -> Vec<PathBuf> {
    let paths = names.iter().map(|name| directory.join(name));
    paths.filter(|path| path.symlink_metadata().is_ok()).collect()
}

/// Creates what could be created by a command otherwise, if git does nothing else with it while it is
/// empty: the directory of hooks, and the configuration of the work tree if there may be one.
fn create_missing(git: &Path) {
    let create = || -> rustix::io::Result<()> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = open(git, flags, Mode::empty())?;
        if git.join("HEAD").is_file() && !git.join("hooks").exists() {
            mkdirat(&directory, "hooks", Mode::from_raw_mode(0o755))?;
        }
        let config = fs::read_to_string(git.join("config")).unwrap_or_default();
        if config.to_ascii_lowercase().contains("worktreeconfig") {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            openat(&directory, "config.worktree", flags, Mode::from_raw_mode(0o644)).map(drop)?;
        }
        Ok(())
    };
    // In a repository that cannot be changed, a command cannot do it either.
    create().ok();
}

/// Returns what a command needs of the repository of a linked work tree, which is outside of the
/// workspace. The file in the workspace could name any directory: only one that names the workspace
/// itself belongs to it, and a command could have made up one in the workspace, or put links to other
/// directories in it.
fn linked(git: &Path) -> Option<Protected> {
    let read = |path: &Path| Some(fs::read_to_string(path).ok()?.trim_end().to_owned());
    let named = read(git)?.strip_prefix("gitdir:")?.trim().to_owned();
    let own = git.parent()?.join(named).canonicalize().ok()?;
    let back = own.join(read(&own.join("gitdir"))?).canonicalize().ok()?;
    let common = own.join(read(&own.join("commondir"))?).canonicalize().ok()?;
    let is_own = back == git.canonicalize().ok()? && own.starts_with(common.join("worktrees"));
    let workspace = git.parent()?.canonicalize().ok()?;
    let is_made_up = common.starts_with(&workspace) || own.starts_with(&workspace);
    let mut shared = existing(&common, &SHARED);
    shared.retain(|path| path.symlink_metadata().is_ok_and(|found| found.is_dir()));
    let write = [vec![own.clone()], shared].concat();
    (is_own && !is_made_up).then(|| Protected { protect: existing(&own, &IN_WORKTREE), write })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn repository() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for name in ["main/.git/objects", "main/.git/refs", "main/.git/worktrees/tree", "tree"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        for (name, text) in [
            ("main/.git/HEAD", "ref: refs/heads/main\n".to_owned()),
            ("main/.git/config", "[extensions]\n\tworktreeConfig = true\n".to_owned()),
            ("main/.git/worktrees/tree/gitdir", format!("{}/tree/.git\n", root.display())),
            ("main/.git/worktrees/tree/commondir", "../..\n".to_owned()),
            ("tree/.git", format!("gitdir: {}/main/.git/worktrees/tree\n", root.display())),
        ] {
            fs::write(root.join(name), text).unwrap();
        }
        (dir, root)
    }

    #[test]
    fn the_configuration_hooks_and_links_of_a_repository_are_protected() {
        let (_dir, root) = repository();
        let found = protected(&root.join("main"));
        let expect = [
            "config",
            "config.worktree",
            "hooks",
            "worktrees/tree/commondir",
            "worktrees/tree/gitdir",
        ];
        let expect = expect.map(|name| root.join("main/.git").join(name)).to_vec();
        assert_eq!(found, Protected { protect: expect, write: Vec::new() });
    }

    #[test]
    fn a_linked_work_tree_may_commit_in_its_repository_only() {
        let (_dir, root) = repository();
        let own = root.join("main/.git/worktrees/tree");
        let found = protected(&root.join("tree"));
        let write = vec![own.clone(), root.join("main/.git/objects"), root.join("main/.git/refs")];
        let protect = vec![own.join("commondir"), own.join("gitdir"), root.join("tree/.git")];
        assert_eq!(found, Protected { protect, write });
        // Another directory that claims to be one.
        fs::create_dir(root.join("other")).unwrap();
        fs::copy(root.join("tree/.git"), root.join("other/.git")).unwrap();
        let found = protected(&root.join("other"));
        let protect = vec![root.join("other/.git")];
        assert_eq!(found, Protected { protect, write: Vec::new() });
    }

    #[test]
    fn a_repository_that_a_command_made_up_gives_it_nothing() {
        let (_dir, root) = repository();
        let (tree, main) = (root.join("tree"), root.join("main/.git"));
        // In the workspace, with a link to a directory elsewhere.
        let made_up = tree.join("fake/worktrees/tree");
        fs::create_dir_all(&made_up).unwrap();
        symlink(root.join("main"), tree.join("fake/objects")).unwrap();
        fs::copy(main.join("worktrees/tree/gitdir"), made_up.join("gitdir")).unwrap();
        fs::copy(main.join("worktrees/tree/commondir"), made_up.join("commondir")).unwrap();
        let real = fs::read(tree.join(".git")).unwrap();
        fs::write(tree.join(".git"), format!("gitdir: {}\n", made_up.display())).unwrap();
        let nothing = Protected { protect: vec![tree.join(".git")], write: Vec::new() };
        assert_eq!(protected(&tree), nothing);
        // A link in the repository itself.
        fs::write(tree.join(".git"), real).unwrap();
        fs::remove_dir(main.join("objects")).unwrap();
        symlink("/", main.join("objects")).unwrap();
        let write = vec![main.join("worktrees/tree"), main.join("refs")];
        assert_eq!(protected(&tree).write, write);
    }
}
