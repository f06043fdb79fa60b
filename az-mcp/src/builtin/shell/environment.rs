//! The environment of commands: what a developer's tools need, and nothing secret.

use std::collections::BTreeMap;

use az_core::secret::is_secret_name;

/// Variables that commands inherit.
const INHERITED: &[&str] = &[
    // The user and the system.
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TERM",
    "TMPDIR",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "CI",
    "HOSTNAME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "HOMEBREW_CELLAR",
    "HOMEBREW_PREFIX",
    "HOMEBREW_REPOSITORY",
    "NIX_PATH",
    "NIX_PROFILES",
    "NIX_SSL_CERT_FILE",
    "SOURCE_DATE_EPOCH",
    "IN_NIX_SHELL",
    // The network.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "AWS_CA_BUNDLE",
    // Rust.
    "CARGO_HOME",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_JOBS",
    "CARGO_NET_OFFLINE",
    "CARGO_TERM_COLOR",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "SCCACHE_DIR",
    // C and C++.
    "CC",
    "CXX",
    "AR",
    "LD",
    "CFLAGS",
    "CPPFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "CPATH",
    "LIBRARY_PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "PKG_CONFIG_PATH",
    "CMAKE_PREFIX_PATH",
    "CMAKE_GENERATOR",
    "MAKEFLAGS",
    "SDKROOT",
    "MACOSX_DEPLOYMENT_TARGET",
    "CCACHE_DIR",
    "LIBCLANG_PATH",
    // Python.
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "CONDA_EXE",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "PIP_CACHE_DIR",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_DISABLE_PIP_VERSION_CHECK",
    "POETRY_HOME",
    "UV_CACHE_DIR",
    "UV_INDEX_URL",
    "PIPX_HOME",
    "WORKON_HOME",
    // JavaScript.
    "NVM_DIR",
    "NVM_BIN",
    "NODE_ENV",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PNPM_HOME",
    "VOLTA_HOME",
    "FNM_DIR",
    "FNM_MULTISHELL_PATH",
    "BUN_INSTALL",
    "DENO_DIR",
    "DENO_INSTALL",
    "COREPACK_HOME",
    "YARN_CACHE_FOLDER",
    // Go.
    "GOPATH",
    "GOROOT",
    "GOBIN",
    "GOCACHE",
    "GOMODCACHE",
    "GOPROXY",
    "GOSUMDB",
    "GOPRIVATE",
    "GONOPROXY",
    "GOFLAGS",
    "GOTOOLCHAIN",
    "GOOS",
    "GOARCH",
    "CGO_ENABLED",
    // Java and others.
    "JAVA_HOME",
    "JDK_HOME",
    "MAVEN_HOME",
    "M2_HOME",
    "MAVEN_OPTS",
    "GRADLE_HOME",
    "GRADLE_USER_HOME",
    "SDKMAN_DIR",
    "KOTLIN_HOME",
    "SCALA_HOME",
    "ANDROID_HOME",
    "ANDROID_SDK_ROOT",
    "ANDROID_NDK_HOME",
    "GEM_HOME",
    "GEM_PATH",
    "BUNDLE_PATH",
    "RBENV_ROOT",
    "RUBYLIB",
    "PERL5LIB",
    "PHPENV_ROOT",
    "COMPOSER_HOME",
    "DOTNET_ROOT",
    "NUGET_PACKAGES",
    "GHCUP_INSTALL_BASE_PREFIX",
    "STACK_ROOT",
    "OPAMROOT",
    "MIX_HOME",
    "HEX_HOME",
    "JULIA_DEPOT_PATH",
    "R_LIBS_USER",
    "ASDF_DIR",
    "ASDF_DATA_DIR",
    "MISE_DATA_DIR",
    "FLUTTER_ROOT",
    "PUB_CACHE",
];

/// Variables that keep programs from asking for input, which no command can give.
///
/// An editor fails, except that git takes the message that it proposes: a merge goes on, and a commit
/// without a message is aborted.
const NON_INTERACTIVE: [(&str, &str); 9] = [
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("EDITOR", "false"),
    ("GCM_INTERACTIVE", "never"),
    ("GIT_EDITOR", "true"),
    ("GIT_SEQUENCE_EDITOR", "false"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("PIP_NO_INPUT", "1"),
    ("SSH_ASKPASS_REQUIRE", "never"),
    ("VISUAL", "false"),
];

/// Beginnings of well-known keys and tokens.
const SECRET_PREFIXES: [&str; 14] = [
    "sk-",
    "pk-",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "AIza",
    "npm_",
    "hf_",
];

/// The shortest value that is looked for in other variables; shorter ones occur by chance.
const SHORTEST_SECRET: usize = 8;

/// Returns the variables that keep programs from asking for input.
pub(super) fn non_interactive() -> BTreeMap<String, String> {
    NON_INTERACTIVE.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Returns the variables of `environment` that commands inherit: those of the list that hold no
/// secret.
///
/// A value holds a secret if it contains the value of a variable that is named like one, a
/// well-known kind of token, or a password in a URL.
pub(super) fn inherited(environment: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let secrets: Vec<&str> = environment
        .iter()
        .filter(|(name, value)| is_secret_name(name) && value.len() >= SHORTEST_SECRET)
        .map(|(_, value)| value.as_str())
        .collect();
    let is_inherited = |name: &str| INHERITED.contains(&name) || name.starts_with("LC_");
    environment
        .iter()
        .filter(|(name, value)| is_inherited(name) && !holds_secret(value, &secrets))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn holds_secret(value: &str, secrets: &[&str]) -> bool {
    let words = value.split(|c: char| c.is_whitespace() || "\"'=,;".contains(c));
    let is_token = |word: &str| {
        word.len() >= 20 && SECRET_PREFIXES.iter().any(|prefix| word.starts_with(prefix))
    };
    secrets.iter().any(|secret| value.contains(secret))
        || words.into_iter().any(is_token)
        || has_password(value)
}

/// Returns whether a URL in the value has a user name or a password.
fn has_password(value: &str) -> bool {
    value.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ', ',']).next().unwrap_or_default();
        authority.contains('@')
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::inherited;

    fn kept(environment: &[(&str, &str)]) -> Vec<String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        inherited(&environment.iter().map(owned).collect::<BTreeMap<_, _>>()).into_keys().collect()
    }

    #[test]
    fn the_variables_of_development_tools_are_inherited() {
        let tools = [
            ("CARGO_HOME", "/c"),
            ("GOPATH", "/g"),
            ("HTTPS_PROXY", "http://proxy:3128"),
            ("JAVA_HOME", "/j"),
            ("LC_ALL", "C"),
            ("NVM_DIR", "/n"),
            ("RUSTUP_HOME", "/r"),
            ("VIRTUAL_ENV", "/v"),
        ];
        assert_eq!(kept(&tools), tools.map(|(name, _)| name));
    }

    #[test]
    fn other_variables_are_not_inherited() {
        let others = [
            ("OPENAI_API_KEY", "sk-1"),
            ("SSH_AUTH_SOCK", "/tmp/agent"),
            ("SSH_ASKPASS", "/usr/bin/askpass"),
            ("DATABASE_URL", "x"),
            ("BASH_ENV", "/x"),
        ];
        assert_eq!(kept(&others), Vec::<String>::new());
    }

    #[test]
    fn a_secret_is_left_out_by_its_value_whatever_its_variable_is_called() {
        let environment = [
            ("SOME_API_KEY", "correct-horse-battery"),
            ("NODE_OPTIONS", "--title=correct-horse-battery"),
            ("GOFLAGS", "-ldflags=sk-ant-not-a-real-key-0000"),
            ("HTTPS_PROXY", "http://me:pw@proxy:3128"),
            ("PIP_INDEX_URL", "https://token@pypi.example/simple"),
            ("GOPROXY", "https://proxy.example,direct"),
            ("MAKEFLAGS", "-j4"),
        ];
        assert_eq!(kept(&environment), ["GOPROXY", "MAKEFLAGS"]);
    }

    #[test]
    fn short_values_of_secret_names_do_not_hide_other_variables() {
        assert_eq!(kept(&[("KEYBOARD", "us"), ("LANG", "en_us")]), ["LANG"]);
    }
}
