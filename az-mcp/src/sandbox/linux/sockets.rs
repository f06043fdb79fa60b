//! The sockets in the file system that other processes listen on.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Returns the paths of the sockets that processes listen on, as far as they can be found by them.
///
/// Only those of this mount namespace are: containers and services may have others.
pub(super) fn bound() -> Vec<PathBuf> {
    let table = fs::read("/proc/net/unix").unwrap_or_default();
    let mut paths: Vec<_> = paths(&String::from_utf8_lossy(&table)).map(PathBuf::from).collect();
    paths.sort();
    paths.dedup();
    let is_socket = |path: &Path| fs::metadata(path).is_ok_and(|it| it.file_type().is_socket());
    paths
        .into_iter()
        .filter(|path| is_socket(path))
        .filter_map(|it| it.canonicalize().ok())
        .collect()
}

/// Reads the table: the fourth column has a flag for sockets that are listened on, and the eighth is
/// the path, which may contain spaces. Names that begin with `@` are not in the file system.
fn paths(table: &str) -> impl Iterator<Item = &str> {
    let listening = table.lines().filter(|line| line.contains(" 00010000 "));
    listening.filter_map(|line| Some(line.get(line.find(" /")? + 1..)?.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::paths;

    #[test]
    fn the_paths_of_sockets_are_read_from_the_table() {
        let table = "\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 19 /run/user/1000/bus
0000000000000000: 00000002 00000000 00010000 0001 01 20 @abstract
0000000000000000: 00000003 00000000 00000000 0001 03 21
0000000000000000: 00000002 00000000 00010000 0001 01 22 /home/me/a b/socket
";
        let found: Vec<_> = paths(table).collect();
        assert_eq!(found, ["/run/user/1000/bus", "/home/me/a b/socket"]);
    }
}
