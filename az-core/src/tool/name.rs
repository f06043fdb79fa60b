//! Names of tools as models write them.

/// The namespaces in which models believe tools to be, in the form of [`canonical`].
const NAMESPACES: [&str; 4] = ["functions_", "default_api_", "tools_", "tool_"];

/// Returns the name of the tool that a model means by a name that no tool has: the only one that differs
/// in separators and case alone, or also in a namespace before it, as `filesystem.list` does from
/// `functions.filesystem_list`. `None` if that is true of no tool, or of several.
pub fn meant_name<'n>(written: &str, offered: &[&'n str]) -> Option<&'n str> {
    let whole = canonical(written);
    let bare = NAMESPACES.iter().find_map(|namespace| whole.strip_prefix(namespace));
    [Some(&*whole), bare].into_iter().flatten().find_map(|wanted| {
        let mut matching = offered.iter().filter(|name| canonical(name) == wanted);
        let only = matching.next()?;
        matching.next().is_none().then_some(*only)
    })
}

/// Returns a name in lower case, with `_` for each separator.
fn canonical(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase();
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::meant_name;

    #[track_caller]
    fn check(offered: &[&str], name: &str, expected: Option<&str>) {
        assert_eq!(meant_name(name, offered), expected, "{name}");
    }

    #[test]
    fn a_name_with_other_separators_or_in_a_namespace_means_the_tool() {
        for name in [
            "functions.filesystem.list",
            "functions.filesystem_list",
            "functions::filesystem__list",
            "default_api.filesystem.list",
            "tools.filesystem.list",
            "tool:filesystem/list",
            "filesystem_list",
            "filesystem-list",
            "Filesystem.List ",
        ] {
            check(&["filesystem.list", "filesystem.read"], name, Some("filesystem.list"));
        }
    }

    #[test]
    fn a_name_that_fits_no_tool_or_several_means_none() {
        for name in ["list", "filesystem", "files.list", "functions.", "", "shell.execute.now"] {
            check(&["filesystem.list", "shell.execute"], name, None);
        }
        check(&["a.b", "a_b"], "a-b", None);
        check(&["a.b", "a_b"], "functions.a.b", None);
    }

    #[test]
    fn a_tool_whose_own_name_has_the_prefix_comes_first() {
        check(&["tools.list", "list"], "tools_list", Some("tools.list"));
        check(&["tools.list", "list"], "functions.list", Some("list"));
    }
}
