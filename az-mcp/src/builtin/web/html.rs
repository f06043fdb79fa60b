//! HTML as text: for models that read, not for programs that render.
//!
//! Each byte is read once or twice, whatever the page contains: a tag or comment without an end is the rest of
//! the page.

use url::Url;

use super::entities::decoded;
use super::writer::Writer;

/// Elements whose content is not text of the page.
const SKIPPED: &[&str] =
    &["script", "style", "template", "noscript", "svg", "iframe", "object", "math", "select"];
/// Elements that begin and end a paragraph.
const PARAGRAPHS: &[&str] = &[
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "dl",
    "table",
    "blockquote",
    "pre",
    "section",
    "article",
    "header",
    "footer",
    "nav",
    "main",
    "aside",
    "figure",
    "form",
    "title",
    "details",
];
/// Elements that begin and end a line.
const LINES: &[&str] =
    &["div", "li", "tr", "dt", "dd", "br", "hr", "option", "caption", "figcaption", "summary"];

/// Whether a body without a type begins as HTML does.
pub(super) fn looks_like_html(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    ["<!doctype html", "<html", "<head", "<body"].iter().any(|begin| {
        start.get(..begin.len()).is_some_and(|start| start.eq_ignore_ascii_case(begin.as_bytes()))
    })
}

/// Returns the text of a page: headings with `#`, items of lists with `-`, cells apart by `|`, and the address
/// of a link after its text.
pub(super) fn to_text(html: &str, base: &Url) -> String {
    let mut page = Text { base, writer: Writer::default(), preformatted: 0, link: None };
    let mut rest = html;
    while !rest.is_empty() {
        let end = rest.find('<').unwrap_or(rest.len());
        let (text, from) = rest.split_at(end);
        page.add(text);
        rest = match Tag::read(from) {
            Some((Tag::Other, after)) => after,
            Some((Tag::Begin { name, attributes }, after)) => {
                page.begin(&name, attributes);
                // The content of these is no markup.
                if SKIPPED.contains(&name.as_str()) { after_end(after, &name) } else { after }
            }
            Some((Tag::End { name }, after)) => {
                page.end(&name);
                after
            }
            None => {
                let (sign, after) = from.split_at(from.len().min(1));
                page.add(sign);
                after
            }
        };
    }
    page.writer.finish()
}

/// A tag.
enum Tag<'h> {
    Begin {
        name: String,
        attributes: &'h str,
    },
    End {
        name: String,
    },
    /// A comment, a document type or a processing instruction.
    Other,
}

impl<'h> Tag<'h> {
    /// Reads the tag at the beginning of a text; `None` if `<` is only a sign there.
    fn read(text: &'h str) -> Option<(Self, &'h str)> {
        let inner = text.strip_prefix('<')?;
        if let Some(comment) = inner.strip_prefix("!--") {
            return Some((Self::Other, comment.split_once("-->").map_or("", |(_, rest)| rest)));
        }
        if inner.starts_with(['!', '?']) {
            return Some((Self::Other, inner.split_once('>').map_or("", |(_, rest)| rest)));
        }
        let (is_end, inner) = inner.strip_prefix('/').map_or((false, inner), |rest| (true, rest));
        if !inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let end = inner.find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>');
        let (name, rest) = inner.split_at(end.unwrap_or(inner.len()));
        let name = name.to_ascii_lowercase();
        let (attributes, after) = rest.split_at(end_of_tag(rest));
        let after = after.strip_prefix('>').unwrap_or(after);
        let tag = if is_end { Self::End { name } } else { Self::Begin { name, attributes } };
        Some((tag, after))
    }
}

/// Returns the position of the `>` that ends a tag, which is not in quotes.
fn end_of_tag(text: &str) -> usize {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    text.len()
}

/// Returns what follows the end tag of an element.
fn after_end<'h>(text: &'h str, name: &str) -> &'h str {
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        let from = rest.get(at..).unwrap_or_default();
        let found = from.get(2..2 + name.len());
        if found.is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return from.split_once('>').map_or("", |(_, after)| after);
        }
        rest = from.get(2..).unwrap_or_default();
    }
    ""
}

/// Returns the value of an attribute.
fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let mut rest = attributes;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=');
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        let after = after.trim_ascii_start();
        if name.is_empty() && after.is_empty() {
            return None;
        }
        let value;
        (value, rest) = match after.strip_prefix('=').map(str::trim_ascii_start) {
            None => ("", after),
            Some(quoted) if quoted.starts_with(['"', '\'']) => {
                let (quote, inner) = quoted.split_at(1);
                inner.split_once(quote).unwrap_or((inner, ""))
            }
            Some(bare) => {
                bare.split_at(bare.find(|c: char| c.is_ascii_whitespace()).unwrap_or(bare.len()))
            }
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(decoded(value));
        }
    }
}

/// The text so far.
struct Text<'h> {
    base: &'h Url,
    writer: Writer,
    /// How many elements with preformatted text are open.
    preformatted: usize,
    /// The address of the open link, and whether it has text.
    link: Option<(String, bool)>,
}

impl Text<'_> {
    fn add(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let text = decoded(text);
        if let Some((_, has_text)) = self.link.as_mut().filter(|_| !text.trim().is_empty()) {
            *has_text = true;
        }
        match self.preformatted {
            0 => self.writer.add(&text),
            _ => self.writer.add_exactly(&text),
        }
    }

    fn begin(&mut self, name: &str, attributes: &str) {
        self.end_block(name);
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = name.bytes().last().map_or(1, |digit| usize::from(digit - b'0'));
                self.writer.lead(&format!("{} ", "#".repeat(level)));
            }
            "title" => self.writer.lead("# "),
            "li" => self.writer.lead("- "),
            "td" | "th" if self.writer.is_in_line() => self.writer.add(" | "),
            "hr" => {
                self.writer.add("---");
                self.end_block(name);
            }
            "pre" | "textarea" => self.preformatted += 1,
            "a" => {
                let address = attribute(attributes, "href");
                let address = address.and_then(|href| self.base.join(href.trim()).ok());
                let address = address.filter(|url| ["http", "https"].contains(&url.scheme()));
                // A link within the page leads nowhere else.
                let address = address.filter(|url| url.fragment().is_none() || !self.is_here(url));
                self.link = address.map(|url| (url.to_string(), false));
            }
            "img" => {
                let text = attribute(attributes, "alt").filter(|text| !text.trim().is_empty());
                if let Some(text) = text {
                    self.writer.add(&format!("[image: {}]", text.trim()));
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "pre" | "textarea" => self.preformatted = self.preformatted.saturating_sub(1),
            "a" => {
                if let Some((address, true)) = self.link.take() {
                    self.writer.add(&format!(" ({address})"));
                }
            }
            // Without text there is no heading and no item.
            "title" | "li" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.writer.lead(""),
            _ => {}
        }
        self.end_block(name);
    }

    fn end_block(&mut self, name: &str) {
        if PARAGRAPHS.contains(&name) {
            self.writer.end_line(2);
        } else if LINES.contains(&name) {
            self.writer.end_line(1);
        }
    }

    /// Whether an address is that of the page.
    fn is_here(&self, url: &Url) -> bool {
        let mut url = url.clone();
        url.set_fragment(None);
        url == *self.base
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
    use url::Url;

    use super::to_text;

    fn text(html: &str) -> String {
        to_text(html, &"https://example.org/dir/page".parse::<Url>().unwrap())
    }

    #[test]
    fn a_page_becomes_headings_paragraphs_lists_tables_and_links() {
        let html = r##"<!DOCTYPE html><html><head><title>A &amp; B</title>
            <style>p { color: red }</style><script>if (a < b) { "</p>" }</script></head>
            <body><!-- <p>not this</p> --><h2>First
            part</h2><p>Some <b>bold</b>text, a <a href="../x?a=1&amp;b=2">link</a>,
            <a href="#here">a jump</a> and <a href='mailto:a@b.c'>mail</a>.<br>A new line.</p>
            <ul><li>One</li><li>Two <em>words</em></ul>
            <table><tr><th>Name</th><th>Size</th></tr><tr><td>a</td><td>1</td></tr></table>
            <pre>  let x = 1;
  y &lt; 2;
</pre><img src=x alt="A cat"><hr/>End</body></html>"##;
        let expected = "\
# A & B

## First part

Some boldtext, a link (https://example.org/x?a=1&b=2), a jump and mail.
A new line.

- One
- Two words

Name | Size
a | 1

  let x = 1;
  y < 2;

[image: A cat]
---
End";
        assert_eq!(text(html), expected);
    }

    #[test]
    fn broken_markup_is_text_or_ends_with_the_page() {
        for (html, expected) in [
            ("1 < 2 and <3", "1 < 2 and <3"),
            ("a<b", "a"),
            ("a<!-- b", "a"),
            ("a<script>b", "a"),
            ("a<SCRIPT>b</scriPT >c", "ac"),
            ("a<p title=\"x > y\">b", "a\n\nb"),
            ("a<p title=\"x > y", "a"),
            ("</p></p>a", "a"),
            ("a</ b>", "a</ b>"),
            ("<a href=x>", ""),
            ("<a href=https://é.org>b</a>", "b (https://xn--9ca.org/)"),
            ("<a href=javascript:x()>b</a>", "b"),
            ("<a href>b</a>", "b (https://example.org/dir/page)"),
            ("a<![CDATA[b]]>c", "ac"),
            ("<li>a<li>b", "- a\n- b"),
            ("<title></title><h1></h1>a", "a"),
        ] {
            assert_eq!(text(html), expected, "{html}");
        }
    }

    #[test]
    fn a_page_of_openings_is_read_in_one_pass() {
        for part in
            ["<", "<a", "<a href='", "</", "<script></", "<!--", "&", "<a =", "<pre>", "<a href= "]
        {
            let html = part.repeat(400_000);
            assert!(text(&html).len() <= html.len(), "{part}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(parts in prop::collection::vec(prop::sample::select(vec![
            "<", ">", "/", "a", "p", "pre", "script", "\"", "'", "=", " ", "\n", "é", "&amp;", "&",
            "<!--", "-->", "<a href=x>", "</a>", "<td>", "<li>", "</script>",
        ]), 0..40)) {
            let html = parts.iter().fold(String::new(), |mut html, part| {
                write!(html, "{part}").unwrap();
                html
            });
            let text = text(&html);
            prop_assert!(!text.contains("\n\n\n") || html.contains("pre"), "{:?}", text);
        }
    }
}
