//! The encoding of a page.

use encoding_rs::{Encoding, WINDOWS_1252, X_USER_DEFINED};

use super::tag::{Markup, attribute};

/// How many bytes of a page are searched for the name of its encoding.
const PRESCAN: usize = 1_024;

/// Returns the encoding that the parameter `charset` of a content type names.
pub(super) fn of_content_type(text: &str) -> Option<&'static Encoding> {
    let text = text.to_ascii_lowercase();
    let (_, rest) = text.split_once("charset")?;
    let label = rest.trim_ascii_start().strip_prefix('=')?.trim_ascii_start();
    let label = label.trim_start_matches(['"', '\'']);
    let end = label.find(['"', '\'', ';', ',', ' ']).unwrap_or(label.len());
    labelled(label.get(..end)?)
}

/// Returns the encoding that HTML names at its beginning, as a browser takes it.
pub(super) fn of_html(body: &[u8]) -> Option<&'static Encoding> {
    let start = String::from_utf8_lossy(body.get(..PRESCAN.min(body.len()))?);
    let mut rest = &*start;
    while let Some(at) = rest.find('<') {
        let from = rest.get(at..)?;
        rest = match Markup::read(from) {
            Markup::Begin { name, attributes, after } => {
                let named = (name == "meta").then(|| of_meta(attributes)).flatten();
                if named.is_some() {
                    return named;
                }
                after
            }
            Markup::End { after, .. } | Markup::Other { after } => after,
            Markup::Sign => from.get(1..)?,
            Markup::Unended => return None,
        };
    }
    None
}

fn of_meta(attributes: &str) -> Option<&'static Encoding> {
    let is_type = || {
        attribute(attributes, "http-equiv")
            .is_some_and(|of| of.eq_ignore_ascii_case("content-type"))
    };
    let named = match attribute(attributes, "charset") {
        Some(label) => labelled(&label),
        None if is_type() => of_content_type(&attribute(attributes, "content")?),
        None => None,
    }?;
    // A page whose tags could be read as ASCII is in neither.
    Some(if named == X_USER_DEFINED { WINDOWS_1252 } else { named.output_encoding() })
}

fn labelled(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label_no_replacement(label.as_bytes())
}
