//! Patterns of paths, hosts and tools.

use std::net::Ipv4Addr;
use std::path::Path;

use super::command::word_matches;
use crate::host::HostPattern;

/// Whether a path, or a directory that it is in, matches a pattern.
///
/// As in `.gitignore`, a pattern without `/` is a name in any directory; another one is relative to the
/// workspace, unless it begins with `/` or `~/`. `*` and `?` stand for text without `/`, `**` for any
/// number of directories.
pub(super) fn path_matches(pattern: &str, path: &str, places: &Places<'_>) -> bool {
    let is_name = !pattern.trim_end_matches('/').contains('/');
    let pattern = pattern.strip_suffix("/**").unwrap_or(pattern).trim_end_matches('/');
    match (pattern, places.home) {
        // What is left of `/` and `/**`.
        ("", _) => return true,
        (".", _) => return !path.starts_with('/'),
        ("~", Some(home)) => return Path::new(&places.absolute(path)).starts_with(home),
        _ => {}
    }
    let home = pattern.strip_prefix("~/").zip(places.home);
    let (pattern, path) = match home {
        Some((rest, home)) => (format!("{}/{rest}", home.display()), places.absolute(path)),
        None if pattern.starts_with('/') => (pattern.to_owned(), places.absolute(path)),
        None => {
            let anchored = pattern.strip_prefix("./");
            let pattern = match anchored {
                Some(rest) => rest.to_owned(),
                None if is_name => format!("**/{pattern}"),
                None => pattern.to_owned(),
            };
            // Where `**` begins the pattern, it also means directories outside of the workspace.
            let path = if pattern.starts_with("**/") { path.trim_start_matches('/') } else { path };
            (pattern, path.to_owned())
        }
    };
    // Not `Path::ancestors`: the root of a relative path is the empty one, which matches `**`.
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.filter_map(|end| path.get(..end))
        .any(|part| !part.is_empty() && fast_glob::glob_match(&pattern, part))
}

/// Returns what is wrong with a pattern of paths, which would match nothing.
pub(super) fn check_path(pattern: &str) -> Option<&'static str> {
    let rest = ["./", "~/", "/"].iter().find_map(|prefix| pattern.strip_prefix(prefix));
    let rest = rest.unwrap_or(match pattern {
        "." | "~" => "",
        other => other,
    });
    let names = rest.strip_suffix('/').unwrap_or(rest);
    if !names.is_empty() && names.split('/').any(|name| ["", ".", ".."].contains(&name)) {
        return Some("must not contain an empty name, `.` or `..`: paths have none");
    }
    let differ =
        |open: char, close: char| pattern.matches(open).count() != pattern.matches(close).count();
    (differ('[', ']') || differ('{', '}')).then_some("has a bracket without its other half")
}

/// The directories that patterns of paths are relative to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a> {
    pub(super) workspace: Option<&'a str>,
    pub(super) home: Option<&'a Path>,
}

impl Places<'_> {
    fn absolute(&self, path: &str) -> String {
        match self.workspace {
            Some(workspace) if !path.starts_with('/') && path != "." => {
                format!("{}/{path}", workspace.trim_end_matches('/'))
            }
            Some(workspace) if path == "." => workspace.to_owned(),
            _ => path.to_owned(),
        }
    }
}

/// Whether the name of a host matches a pattern: a name, or `*.` before one for all names below it.
pub(super) fn host_matches(pattern: &str, name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let pattern = pattern.trim_end_matches('.').to_ascii_lowercase();
    match pattern.strip_prefix("*.") {
        Some(domain) => name
            .strip_suffix(domain)
            .and_then(|below| below.strip_suffix('.'))
            .is_some_and(|below| !below.is_empty()),
        None => pattern == "*" || pattern == name,
    }
}

/// Returns what is wrong with a pattern of hosts, which would match nothing.
pub(super) fn check_host(pattern: &str) -> Option<&'static str> {
    if pattern == "*" {
        return None;
    }
    let (is_below, name) =
        pattern.strip_prefix("*.").map_or((false, pattern), |domain| (true, domain));
    if !name.is_ascii() {
        return Some("must be in ASCII: write a domain with other letters as `xn--…`");
    }
    let Some(name) = HostPattern::normal_name(name) else {
        return Some(
            "must be the name of a host, such as `example.org` or `*.example.org`, without scheme, port \
             and path",
        );
    };
    // A call names an address of IPv4 in its usual form, however it was written.
    let is_address = !is_below && name.parse::<Ipv4Addr>().is_ok();
    (ends_in_number(&name) && !is_address)
        .then_some("must be a name, or an address of IPv4 as four numbers, such as `192.0.2.1`")
}

/// Whether URLs with this host mean an address of IPv4.
fn ends_in_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_decimal = last.bytes().all(|byte| byte.is_ascii_digit());
    let hex = last.strip_prefix("0x");
    is_decimal || hex.is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether the name of a tool matches a pattern, in which `*` stands for any text.
pub(super) fn tool_matches(pattern: &str, name: &str) -> bool {
    word_matches(pattern, name)
}
