//! The findings of `az doctor`.

use az_core::text::plural;

use crate::output::Style;
use crate::output::printable;
use crate::views::{CheckStatus, CheckView, DoctorView};

/// Returns the findings as text: a line for each, a second one with what to do about it, and a summary.
pub fn doctor_in_words(view: &DoctorView, style: Style) -> String {
    let widest = view.checks.iter().map(|check| check.check.len()).max().unwrap_or(0);
    let mut text = String::new();
    for check in &view.checks {
        let mark = match check.status {
            CheckStatus::Ok => style.green("✔"),
            CheckStatus::Warning => style.yellow("!"),
            CheckStatus::Error => style.red("✘"),
        };
        let name = name(check);
        text.push_str(&format!("{mark} {name:<widest$}  {}\n", in_words(check)));
        if let Some(remedy) = &check.remedy {
            let indent = " ".repeat(widest + 4);
            text.push_str(&format!("{indent}{} {}\n", style.dim("help:"), printable(remedy)));
        }
    }
    text + &summary(view) + "\n"
}

fn name(check: &CheckView) -> String {
    check.check.replace('_', " ")
}

fn in_words(check: &CheckView) -> String {
    let found = printable(&check.found).replace('\n', "; ");
    match &check.subject {
        Some(subject) => format!("{}: {found}", printable(subject)),
        None => found,
    }
}

fn summary(view: &DoctorView) -> String {
    match (view.errors, view.warnings) {
        (0, 0) => "nothing is wrong".to_owned(),
        (errors, warnings) => {
            format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::doctor_in_words;
    use crate::output::Style;
    use crate::views::{CheckView, DoctorView};

    #[test]
    fn a_finding_is_a_line_with_its_remedy_below() {
        let checks = vec![
            CheckView::ok("disk", "2 GiB free"),
            CheckView::error("local_server", "bad\u{1b}[2J").about("x").with_remedy("start it"),
        ];
        let expected = "✔ disk          2 GiB free\n✘ local server  x: bad\\u{1b}[2J\n                \
                        help: start it\n1 error, 0 warnings\n";
        assert_eq!(doctor_in_words(&DoctorView::new("1", checks), Style::plain()), expected);
    }
}
