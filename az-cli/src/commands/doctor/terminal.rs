//! Checks the terminal: width, colours, encoding.

use std::io::IsTerminal;

use super::installation::Installation;
use crate::config::Env;
use crate::output::Style;
use crate::views::CheckView;

const TERMINAL: &str = "terminal";

/// Tables need at least this many columns to be readable.
const NARROW: u16 = 60;

/// Checks the terminal that the command prints to.
pub(super) fn check(installation: &Installation) -> Vec<CheckView> {
    if !std::io::stdout().is_terminal() {
        return vec![CheckView::ok(TERMINAL, "standard output is not a terminal")];
    }
    let printer = &installation.printer;
    let coloured = printer.out_style().red("") != Style::plain().red("");
    vec![of_terminal(printer.width(), coloured, &installation.env)]
}

fn of_terminal(width: Option<u16>, coloured: bool, env: &Env) -> CheckView {
    if let Some(locale) = locale(env).filter(|locale| !is_utf8(locale)) {
        let found = format!("the locale {locale} is not UTF-8: characters may be shown wrongly");
        return CheckView::warning(TERMINAL, found).with_remedy("export LC_ALL=C.UTF-8");
    }
    let columns =
        width.map_or_else(|| "unknown width".to_owned(), |width| format!("{width} columns"));
    if width.is_some_and(|width| width < NARROW) {
        let found = format!("{columns}: tables are cut");
        let remedy = "make the window wider, or use --format json";
        return CheckView::warning(TERMINAL, found).with_remedy(remedy);
    }
    let colours = if coloured { "colours" } else { "no colours" };
    CheckView::ok(TERMINAL, format!("{columns}, {colours}, UTF-8"))
}

/// Returns the locale of characters: that of the first variable that is set. Without any, the terminal decides.
fn locale(env: &Env) -> Option<&str> {
    ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| env.get(name))
}

fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::of_terminal;
    use crate::config::Env;
    use crate::views::CheckStatus::{Ok, Warning};

    #[test]
    fn a_locale_that_is_not_utf8_and_a_narrow_window_are_warnings() {
        let status = |width, variables: &[(&str, &str)]| {
            let env = match variables {
                [one] => Env::from([*one]),
                [one, two] => Env::from([*one, *two]),
                _ => Env::default(),
            };
            of_terminal(width, true, &env).status
        };
        assert_eq!(status(Some(80), &[]), Ok);
        assert_eq!(status(None, &[("LANG", "de_DE.UTF-8")]), Ok);
        assert_eq!(status(Some(80), &[("LC_ALL", "C"), ("LANG", "C.utf8")]), Warning);
        assert_eq!(status(Some(40), &[("LANG", "C.utf8")]), Warning);
    }
}
