//! HTML as text: for models that read, not for programs that render.
//!
//! The time is proportional to the length of a page, whatever it contains.

use url::Url;

use super::entities::decoded;
use super::tag::{Markup, after_end, attribute};
use super::writer::Writer;

/// Elements whose content is not text of the page.
const SKIPPED: &[&str] =
    &["script", "style", "template", "noscript", "svg", "iframe", "object", "math", "select"];
/// Those of them whose content is no markup: it is all the rest if the end is missing, as in a browser.
const CODE: &[&str] = &["script", "style"];
/// Those of them that `/` at the end of the tag ends.
const FOREIGN: &[&str] = &["svg", "math"];
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

/// The text of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageText {
    pub(super) text: String,
    /// How many bytes of HTML at the end are left out: those after the limit, and a tag, comment or script
    /// without an end.
    pub(super) unread: usize,
}

/// Returns the text of a page: headings with `#`, items of lists with `-`, cells apart by `|`, and the address
/// of a link after its text. It ends soon after it has `limit` bytes: it can be much longer than the page, as
/// each link has the whole address.
pub(super) fn to_text(html: &str, base: &Url, limit: usize) -> PageText {
    let mut page =
        Text { base, writer: Writer::default(), preformatted: 0, link: None, endless: Vec::new() };
    let mut rest = html;
    while !rest.is_empty() && page.writer.len() < limit {
        let (text, from) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        page.add(text);
        rest = from;
        match page.markup(from) {
            Some(after) => rest = after,
            None => break,
        }
    }
    PageText { text: page.writer.finish(), unread: rest.len() }
}

/// The text so far.
struct Text<'h> {
    base: &'h Url,
    writer: Writer,
    /// How many elements with preformatted text are open.
    preformatted: usize,
    /// The value of `href` of the open link, and whether it has text.
    link: Option<(String, bool)>,
    /// Elements of which the rest of the page has no end.
    endless: Vec<&'static str>,
}

impl Text<'_> {
    /// Reads a tag, and returns what follows; `None` if the rest of the page belongs to it.
    fn markup<'h>(&mut self, from: &'h str) -> Option<&'h str> {
        match Markup::read(from) {
            Markup::Begin { name, attributes, after } => {
                self.begin(&name, attributes);
                self.skip(&name, attributes, after)
            }
            Markup::End { name, after } => {
                self.end(&name);
                Some(after)
            }
            Markup::Other { after } => Some(after),
            Markup::Sign => {
                let (sign, after) = from.split_at(from.len().min(1));
                self.add(sign);
                Some(after)
            }
            Markup::Unended => None,
        }
    }

    /// Skips the content of an element, if it is not text.
    fn skip<'h>(&mut self, name: &str, attributes: &str, after: &'h str) -> Option<&'h str> {
        let Some(name) = SKIPPED.iter().find(|skipped| **skipped == name) else {
            return Some(after);
        };
        let is_empty = attributes.ends_with('/') && FOREIGN.contains(name);
        // An end that was not found before is not searched again.
        if is_empty || self.endless.contains(name) {
            return Some(after);
        }
        let end = after_end(after, name);
        if end.is_none() && !CODE.contains(name) {
            self.endless.push(name);
            return Some(after);
        }
        end
    }

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
                self.link = attribute(attributes, "href").map(|href| (href, false));
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
                let link = self.link.take().filter(|(_, has_text)| *has_text);
                if let Some(address) = link.and_then(|(href, _)| self.address(&href)) {
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

    /// Returns where a link leads to, if that is another page.
    fn address(&self, href: &str) -> Option<Url> {
        let url = self.base.join(href.trim()).ok()?;
        let is_page = ["http", "https"].contains(&url.scheme());
        // A link within the page leads nowhere else.
        (is_page && (url.fragment().is_none() || !self.is_here(&url))).then_some(url)
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
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use proptest::prelude::*;
    use url::Url;

    use super::{PageText, to_text};

    fn page_text(html: &str) -> PageText {
        to_text(html, &"https://example.org/dir/page".parse::<Url>().unwrap(), usize::MAX)
    }

    fn text(html: &str) -> String {
        page_text(html).text
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
    fn broken_markup_loses_no_text() {
        for (html, expected) in [
            ("1 < 2 and <3", "1 < 2 and <3"),
            ("a<SCRIPT>b</scriPT >c", "ac"),
            ("a<p title=\"x > y\">b", "a\n\nb"),
            ("</p></p>a", "a"),
            ("a</ b>", "a</ b>"),
            ("<a href=x>", ""),
            ("<a href=https://é.org>b</a>", "b (https://xn--9ca.org/)"),
            ("<a href=javascript:x()>b</a>", "b"),
            ("<a href>b</a>", "b (https://example.org/dir/page)"),
            ("a<![CDATA[b]]>c", "ac"),
            ("<li>a<li>b", "- a\n- b"),
            ("<title></title><h1></h1>a", "a"),
            ("<p>before</p><svg/><p>rest", "before\n\nrest"),
            ("a<math display=block />b", "ab"),
            ("a<svg>b</svg>c", "ac"),
            ("a<script/>b</script>c", "ac"),
            ("a<svg>b<select>c<svg>d", "abcd"),
            ("a<svg>b</svgx>c</svg >d", "ad"),
            ("a<!-->b", "ab"),
            ("a<!-- b --!>c", "ac"),
            (
                "<a href=x title=it's>two</a> <a title='3'>three",
                "two (https://example.org/dir/x) three",
            ),
            ("<a href='x>two</a> three", "two (https://example.org/dir/x) three"),
            ("a<p title=\"x > y", "a\n\ny"),
        ] {
            assert_eq!(
                page_text(html),
                PageText { text: expected.to_owned(), unread: 0 },
                "{html}"
            );
        }
    }

    #[test]
    fn what_has_no_end_is_left_out_and_counted() {
        for (html, unread) in [
            ("a<b", 2),
            ("a<!-- b", 6),
            ("a<script>b", 9),
            ("a<style>b</script>", 17),
            ("a<a href='b>' c", 14),
            ("a<?b", 3),
        ] {
            let text = "a".to_owned();
            assert_eq!(page_text(html), PageText { text, unread }, "{html}");
        }
    }

    #[test]
    fn a_text_that_is_longer_than_its_page_ends_at_the_limit() {
        let base = format!("https://example.org/{}", "x".repeat(2_000));
        let (link, shown) = ("<a href>y</a>", format!("y ({base})"));
        let read = to_text(&link.repeat(1_000), &base.parse().unwrap(), 10 * shown.len() - 1);
        let expected = PageText { text: shown.repeat(10), unread: 990 * link.len() };
        assert_eq!(read, expected);
    }

    #[test]
    fn a_page_of_openings_is_read_in_one_pass() {
        for (start, part) in [
            ("", "<"),
            ("", "<a"),
            ("", "<a href='"),
            ("", "</"),
            ("", "<script></"),
            ("", "<script>"),
            ("", "<svg>"),
            ("", "<svg></svg"),
            ("", "<svg></svg><math>"),
            ("", "<!--"),
            ("", "<!---->"),
            ("", "<!-- --!>"),
            ("", "&"),
            ("", "<a ="),
            ("", "<a =\">"),
            ("", "<a b=\"><a c\" "),
            ("", "<a b=\"><a c=' "),
            ("", "<pre>"),
            ("", "<a href= "),
            ("<pre>", "\n<b>"),
            ("<pre>", "\n<p>"),
        ] {
            let html = format!("{start}{}", part.repeat(400_000));
            let (sender, read) = mpsc::channel();
            let longest = html.len();
            thread::spawn(move || sender.send(text(&html).len()));
            // A second is enough: the time of more than one pass would be many minutes.
            let length = read.recv_timeout(Duration::from_secs(60));
            assert!(length.is_ok_and(|length| length <= longest), "{part:?}: {length:?}");
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
