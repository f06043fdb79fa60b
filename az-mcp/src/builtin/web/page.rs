//! The text of a page.

use az_core::text::plural;
use az_core::tool::ToolOutput;
use encoding_rs::UTF_8;
use url::Url;

use super::encoding;
use super::html::{self, PageText};
use super::port::WebResponse;

/// The most text that is returned, in bytes. The model is shown less, and reads the rest with `output.read`.
const LONGEST: usize = 256 << 10;

/// A page that was fetched.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) url: Url,
    pub(super) response: WebResponse,
}

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Html,
    Text,
    Other,
}

impl Page {
    /// Returns the text, after a line with the address, the status and the type.
    pub(super) fn into_output(self) -> ToolOutput {
        let WebResponse { status, content_type, body, is_cut, .. } = self.response;
        let kind = ContentType(content_type.to_ascii_lowercase());
        let head = format!("{} ({}, {})", self.url, status, kind.name());
        let form = kind.form(&body);
        let PageText { text, unread } = match form {
            Form::Other => {
                let size = plural(body.len(), "byte");
                return ToolOutput::failed(format!("{head}\n[not text: {size} are left out]"));
            }
            Form::Html => html::to_text(&kind.decoded(form, &body), &self.url, LONGEST),
            Form::Text => PageText { text: kind.decoded(form, &body), unread: 0 },
        };
        let (text, omitted) = shortened(&text);
        let mut shown = format!("{head}\n\n{}", text.trim_end());
        if is_cut {
            shown.push_str("\n[the page is longer: only its first 4 MiB were read]");
        }
        for (omitted, of) in [(omitted, "text"), (unread, "HTML")] {
            if omitted > 0 {
                shown.push_str(&format!("\n[{} of {of} are left out]", plural(omitted, "byte")));
            }
        }
        ToolOutput::done(shown).with_ok((200..300).contains(&status))
    }
}

/// The value of the header `Content-Type` in lower case; empty if there is none.
#[derive(Debug)]
struct ContentType(String);

impl ContentType {
    fn media_type(&self) -> &str {
        self.0.split(';').next().unwrap_or_default().trim()
    }

    fn name(&self) -> &str {
        match self.media_type() {
            "" => "no type",
            name => name,
        }
    }

    fn form(&self, body: &[u8]) -> Form {
        let kind = self.media_type();
        let subtype = kind.rsplit('/').next().unwrap_or_default();
        let is_text = kind.starts_with("text/")
            || ["json", "xml", "javascript", "yaml", "toml"].iter().any(|name| {
                let rest = subtype.strip_suffix(name);
                rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(['+', '-']))
            });
        match kind {
            "text/html" | "application/xhtml+xml" => Form::Html,
            // Without a type, what a text cannot contain tells.
            "" if !body.contains(&0) && html::looks_like_html(body) => Form::Html,
            "" if !body.contains(&0) => Form::Text,
            _ if is_text => Form::Text,
            _ => Form::Other,
        }
    }

    /// Returns a body as text: in the encoding that the header names, else the page if it is HTML, else UTF-8.
    /// A byte order mark takes precedence.
    fn decoded(&self, form: Form, body: &[u8]) -> String {
        let by_page = || (form == Form::Html).then(|| encoding::of_html(body)).flatten();
        let encoding = encoding::of_content_type(&self.0).or_else(by_page);
        encoding.unwrap_or(UTF_8).decode(body).0.into_owned()
    }
}

/// Returns the beginning of a text, and the number of bytes that it lacks.
fn shortened(text: &str) -> (&str, usize) {
    let end = text.floor_char_boundary(LONGEST);
    (text.get(..end).unwrap_or_default(), text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::{ContentType, Form};

    #[test]
    fn text_is_told_from_other_forms_by_its_type() {
        let form = |kind: &str, body: &[u8]| ContentType(kind.to_owned()).form(body);
        for (kind, expected) in [
            ("text/html; charset=utf-8", Form::Html),
            ("application/xhtml+xml", Form::Html),
            ("text/plain", Form::Text),
            ("application/json", Form::Text),
            ("application/ld+json", Form::Text),
            ("image/svg+xml", Form::Text),
            ("application/x-yaml", Form::Text),
            ("image/png", Form::Other),
            ("application/pdf", Form::Other),
            ("application/octet-stream", Form::Other),
        ] {
            assert_eq!(form(kind, b"x"), expected, "{kind}");
        }
        assert_eq!(form("", b"<!doctype html><p>x"), Form::Html);
        assert_eq!(form("", b"plain"), Form::Text);
        assert_eq!(form("", b"\x7fELF\0"), Form::Other);
    }

    #[test]
    fn text_is_decoded_by_the_header_the_page_or_as_utf_8() {
        let decoded = |kind: &str, body: &[u8]| {
            let kind = ContentType(kind.to_owned());
            kind.decoded(kind.form(body), body)
        };
        for (kind, body, expected) in [
            ("text/plain; charset=iso-8859-1", &b"\xe9"[..], "é"),
            ("text/plain; charset = \"iso-8859-1\"", b"\xe9", "é"),
            ("text/plain", "é".as_bytes(), "é"),
            ("text/plain; charset=iso-8859-1", b"\xef\xbb\xbf\xc3\xa9", "é"),
            ("text/plain; charset=none", b"\xff", "\u{fffd}"),
            ("text/plain; charset=utf-16le", b"a\0", "a"),
            // That would be one replacement character for all of the text.
            ("text/plain; charset=iso-2022-kr", b"abc", "abc"),
            // Only HTML names its encoding.
            ("text/plain", "charset=utf-16: é".as_bytes(), "charset=utf-16: é"),
            ("text/plain", "<meta charset=big5>é".as_bytes(), "<meta charset=big5>é"),
            (
                "application/json",
                "{\"charset=big5\": \"é\"}".as_bytes(),
                "{\"charset=big5\": \"é\"}",
            ),
        ] {
            assert_eq!(decoded(kind, body), expected, "{kind} {body:?}");
        }
        for (head, body, expected) in [
            ("<meta charset=\"windows-1252\">", &b"\x80"[..], "€"),
            ("<META CharSet = Windows-1252 />", b"\x80", "€"),
            (
                "<meta http-equiv=Content-Type content='text/html; charset=windows-1252'>",
                b"\x80",
                "€",
            ),
            ("<meta charset=none><meta charset=windows-1252>", b"\x80", "€"),
            // It cannot be what it says.
            ("<meta charset=utf-16>", "é".as_bytes(), "é"),
            ("<meta charset=utf-16be>", "é".as_bytes(), "é"),
            ("<meta charset=x-user-defined>", b"\x80", "€"),
            ("<meta charset=iso-2022-kr>", "é".as_bytes(), "é"),
            // What is not about the page.
            ("<!-- <meta charset=big5> -->", "é".as_bytes(), "é"),
            ("<script charset=big5></script>", "é".as_bytes(), "é"),
            ("<meta name=x content='charset=big5'>", "é".as_bytes(), "é"),
            ("<p>charset=big5", "é".as_bytes(), "é"),
        ] {
            let page = decoded("text/html", &[head.as_bytes(), body].concat());
            assert_eq!(page, format!("{head}{expected}"));
        }
    }
}
