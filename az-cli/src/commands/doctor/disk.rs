//! Checks the disk of the store: free space, and whether it can be written.

use std::path::Path;

use rustix::fs::{Access, StatVfs, access, statvfs};

use super::installation::Installation;
use crate::views::CheckView;

const DISK: &str = "disk";

const MIB: u64 = 1024 * 1024;
/// With less free space, a task soon cannot be recorded.
const TOO_LITTLE: u64 = 64 * MIB;
/// With less free space, it may not last for a backup before a migration.
const LITTLE: u64 = 1024 * MIB;

/// Checks the disk of a store that is a file.
pub(super) fn check(installation: &Installation) -> Vec<CheckView> {
    let services = installation.services.as_ref();
    let file = services.and_then(|services| services.settings().store.file());
    let Some(file) = file else { return Vec::new() };
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let Some(existing) = file.ancestors().skip(1).find(|path| path.exists()) else {
        return Vec::new();
    };
    let space = match statvfs(existing) {
        Ok(disk) => space(&disk),
        Err(error) => CheckView::error(DISK, format!("its state cannot be read: {error}")),
    };
    let found = space.about(existing.display().to_string());
    std::iter::once(found).chain(not_writable(&file, existing)).collect()
}

fn space(disk: &StatVfs) -> CheckView {
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let remedy =
        "free disk space, or choose another disk with --data-dir or `az config set data_dir`";
    if disk.f_files > 0 && disk.f_favail == 0 {
        return CheckView::error(DISK, "no file can be created: no inodes are free")
            .with_remedy(remedy);
    }
    let found = format!("{} free", in_words(free));
    match free {
        ..TOO_LITTLE => CheckView::error(DISK, found).with_remedy(remedy),
        TOO_LITTLE..LITTLE => CheckView::warning(DISK, found).with_remedy(remedy),
        LITTLE.. => CheckView::ok(DISK, found),
    }
}

fn in_words(bytes: u64) -> String {
    match bytes / MIB {
        mib @ ..1024 => format!("{mib} MiB"),
        mib => format!("{} GiB", mib / 1024),
    }
}

/// Returns the finding of a store that this user can only read. Commands that only read work with it.
fn not_writable(file: &Path, directory: &Path) -> Option<CheckView> {
    let mut paths = [file, directory].into_iter().filter(|path| path.exists());
    let path = paths.find(|path| access(*path, Access::WRITE_OK).is_err())?;
    let remedy = "make it writable for this user, or choose another directory with --data-dir";
    let finding = CheckView::warning(DISK, "it cannot be written: tasks cannot run, only be shown");
    Some(finding.about(path.display().to_string()).with_remedy(remedy))
}

#[cfg(test)]
mod tests {
    use super::{LITTLE, MIB, TOO_LITTLE, in_words, space};
    use crate::views::CheckStatus::{Error, Ok, Warning};

    #[test]
    fn little_space_is_a_warning_and_very_little_an_error() {
        let mut disk = rustix::fs::statvfs("/").unwrap();
        (disk.f_frsize, disk.f_files, disk.f_favail) = (1, 9, 9);
        let mut found = |free| {
            disk.f_bavail = free;
            (space(&disk).status, space(&disk).remedy.is_some())
        };
        assert_eq!(found(LITTLE), (Ok, false));
        assert_eq!(found(LITTLE - 1), (Warning, true));
        assert_eq!(found(TOO_LITTLE), (Warning, true));
        assert_eq!(found(TOO_LITTLE - 1), (Error, true));
        (disk.f_bavail, disk.f_favail) = (LITTLE, 0);
        assert_eq!(space(&disk).status, Error);
    }

    #[test]
    fn space_is_in_the_largest_unit() {
        assert_eq!([0, 63 * MIB, 5000 * MIB].map(in_words), ["0 MiB", "63 MiB", "4 GiB"]);
    }
}
