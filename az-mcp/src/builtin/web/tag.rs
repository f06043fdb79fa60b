//! Tags of HTML.
//!
//! Reading all tags of a text takes time in proportion to its length.

use super::entities::decoded;

/// What a `<` begins, and what follows it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Markup<'h> {
    /// The tag of the beginning of an element. The name is in lower case.
    Begin { name: String, attributes: &'h str, after: &'h str },
    /// The tag of the end of an element.
    End { name: String, after: &'h str },
    /// A comment, a document type or a processing instruction.
    Other { after: &'h str },
    /// The sign itself.
    Sign,
    /// A tag or comment without an end, to which the rest of the text belongs.
    Unended,
}

impl<'h> Markup<'h> {
    /// Reads what is at the beginning of a text.
    pub(super) fn read(text: &'h str) -> Self {
        let Some(inner) = text.strip_prefix('<') else { return Self::Sign };
        if let Some(declaration) = inner.strip_prefix(['!', '?']) {
            let after = match inner.starts_with("!--") {
                true => after_comment(declaration),
                false => declaration.split_once('>').map(|(_, after)| after),
            };
            return after.map_or(Self::Unended, |after| Self::Other { after });
        }
        let (is_end, inner) = inner.strip_prefix('/').map_or((false, inner), |rest| (true, rest));
        if !inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Self::Sign;
        }
        let end = inner.find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>');
        let (name, rest) = inner.split_at(end.unwrap_or(inner.len()));
        let (attributes, after) = rest.split_at(end_of_tag(rest));
        let Some(after) = after.strip_prefix('>') else { return Self::Unended };
        let name = name.to_ascii_lowercase();
        if is_end { Self::End { name, after } } else { Self::Begin { name, attributes, after } }
    }
}

/// Returns what follows a comment. `text` begins with its first `--`, which may also be that of its end.
fn after_comment(text: &str) -> Option<&str> {
    let ends = |end: &usize| {
        let comment = text.get(..*end).unwrap_or_default();
        comment.ends_with("--") || (comment.len() > "----".len() && comment.ends_with("--!"))
    };
    let end = text.match_indices('>').map(|(at, _)| at).find(ends)?;
    text.get(end + 1..)
}

/// Returns the position of the `>` that ends a tag, or the length of the text.
fn end_of_tag(text: &str) -> usize {
    let mut rest = text;
    while let Some(attribute) = Attribute::read(rest) {
        rest = attribute.after;
    }
    text.len() - without_separators(rest).len()
}

/// An attribute of a tag.
struct Attribute<'h> {
    name: &'h str,
    value: &'h str,
    after: &'h str,
}

impl<'h> Attribute<'h> {
    /// Reads the first attribute of a text; `None` if the tag ends before.
    fn read(text: &'h str) -> Option<Self> {
        let text = without_separators(text);
        if text.is_empty() || text.starts_with('>') {
            return None;
        }
        // At the beginning, `=` is a part of the name.
        let mut rest = text.char_indices().skip(1);
        let end = rest.find(|(_, c)| c.is_ascii_whitespace() || ['/', '>', '='].contains(c));
        let (name, after) = text.split_at(end.map_or(text.len(), |(at, _)| at));
        let Some(value) = after.trim_ascii_start().strip_prefix('=').map(str::trim_ascii_start)
        else {
            return Some(Self { name, value: "", after });
        };
        let ends_bare = |c: char| c.is_ascii_whitespace() || c == '>';
        let (value, after) = if value.starts_with(['"', '\'']) {
            let (quote, inner) = value.split_at(1);
            // Without the closing quote, the tag ends at the next `>`. The search reaches the end of the text
            // once for each kind of quote: after that, there is none of the kind.
            inner.split_once(quote).unwrap_or_else(|| split_before(inner, |c| c == '>'))
        } else {
            split_before(value, ends_bare)
        };
        Some(Self { name, value, after })
    }
}

fn split_before(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

fn without_separators(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/')
}

/// Returns the value of an attribute.
pub(super) fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let mut rest = attributes;
    while let Some(Attribute { name, value, after }) = Attribute::read(rest) {
        if name.eq_ignore_ascii_case(wanted) {
            return Some(decoded(value));
        }
        rest = after;
    }
    None
}

/// Returns what follows the end tag of an element; `None` if there is none, which takes a search of the whole
/// text.
pub(super) fn after_end<'h>(text: &'h str, name: &str) -> Option<&'h str> {
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        let from = rest.get(at + 2..)?;
        let (found, after) = split_before(from, |c| !c.is_ascii_alphanumeric());
        if found.eq_ignore_ascii_case(name) {
            return after.split_once('>').map(|(_, after)| after);
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Markup, attribute};

    #[test]
    fn a_tag_ends_at_the_first_sign_outside_of_its_quoted_values() {
        for (text, attributes, after) in [
            ("<a>b", "", "b"),
            ("<a href=x>b", " href=x", "b"),
            ("<a href=\"x>y\" title='>'>b", " href=\"x>y\" title='>'", "b"),
            ("<a href = '>'>b", " href = '>'", "b"),
            ("<a href=x title=it's>two", " href=x title=it's", "two"),
            ("<a it's>b'c>d", " it's", "b'c>d"),
            ("<a href=/x?a='y>b'>c", " href=/x?a='y", "b'>c"),
            ("<a href='x>b", " href='x", "b"),
            ("<a title=\"x\" href='y>b\"c\">d", " title=\"x\" href='y", "b\"c\">d"),
            ("<a =\">b\">c", " =\"", "b\">c"),
            ("<a href=>b", " href=", "b"),
            ("<a é='>'/>b", " é='>'/", "b"),
        ] {
            let name = "a".to_owned();
            assert_eq!(Markup::read(text), Markup::Begin { name, attributes, after }, "{text}");
        }
        for text in ["<a", "<a ", "<a href='x>' y", "</a", "<!-- >", "<!doctype", "<?x"] {
            assert_eq!(Markup::read(text), Markup::Unended, "{text}");
        }
    }

    #[test]
    fn a_comment_ends_where_browsers_end_it() {
        for (text, after) in [
            ("<!-- a > b -->c", "c"),
            ("<!-->a-->b", "a-->b"),
            ("<!--->a-->b", "a-->b"),
            ("<!---->a", "a"),
            ("<!-- a --!>b", "b"),
            ("<!--!>a-->b", "b"),
            ("<!-- a ---->b", "b"),
            ("<!doctype html>a", "a"),
            ("<![CDATA[a]]>b", "b"),
            ("<?xml version='1.0'?>a", "a"),
        ] {
            assert_eq!(Markup::read(text), Markup::Other { after }, "{text}");
        }
    }

    #[test]
    fn an_attribute_is_found_by_its_name() {
        let attributes = " A=1 b='2 &amp; c=3' c d=\"4\"/e = 5 a=6";
        for (name, value) in
            [("a", "1"), ("b", "2 & c=3"), ("c", ""), ("d", "4"), ("e", "5"), ("E", "5")]
        {
            assert_eq!(attribute(attributes, name).as_deref(), Some(value), "{name}");
        }
        assert_eq!(attribute(attributes, "f"), None);
    }
}
