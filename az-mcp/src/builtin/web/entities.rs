//! Character references of HTML.

/// The names of common characters. Others are left as they are.
const NAMED: &[(&str, &str)] = &[
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", " "),
    ("ensp", " "),
    ("emsp", " "),
    ("thinsp", " "),
    ("shy", ""),
    ("zwnj", ""),
    ("zwj", ""),
    ("ndash", "–"),
    ("mdash", "—"),
    ("hellip", "…"),
    ("bull", "•"),
    ("middot", "·"),
    ("lsquo", "‘"),
    ("rsquo", "’"),
    ("sbquo", "‚"),
    ("ldquo", "“"),
    ("rdquo", "”"),
    ("bdquo", "„"),
    ("laquo", "«"),
    ("raquo", "»"),
    ("lsaquo", "‹"),
    ("rsaquo", "›"),
    ("larr", "←"),
    ("rarr", "→"),
    ("uarr", "↑"),
    ("darr", "↓"),
    ("harr", "↔"),
    ("copy", "©"),
    ("reg", "®"),
    ("trade", "™"),
    ("sect", "§"),
    ("para", "¶"),
    ("deg", "°"),
    ("plusmn", "±"),
    ("times", "×"),
    ("divide", "÷"),
    ("minus", "−"),
    ("le", "≤"),
    ("ge", "≥"),
    ("ne", "≠"),
    ("asymp", "≈"),
    ("infin", "∞"),
    ("micro", "µ"),
    ("euro", "€"),
    ("pound", "£"),
    ("yen", "¥"),
    ("cent", "¢"),
    ("auml", "ä"),
    ("ouml", "ö"),
    ("uuml", "ü"),
    ("Auml", "Ä"),
    ("Ouml", "Ö"),
    ("Uuml", "Ü"),
    ("szlig", "ß"),
    ("eacute", "é"),
    ("egrave", "è"),
    ("agrave", "à"),
    ("ccedil", "ç"),
    ("ntilde", "ñ"),
];

/// The longest reference that is read.
const LONGEST: usize = 12;

/// Replaces the character references of a text.
pub(super) fn decoded(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        let (before, from) = rest.split_at(start);
        decoded.push_str(before);
        let name = from.strip_prefix('&').unwrap_or_default();
        let end = name.bytes().take(LONGEST).position(|byte| byte == b';');
        let replaced = end.and_then(|end| Some((character(name.get(..end)?)?, end + 2)));
        let length = match replaced {
            Some((text, length)) => {
                decoded.push_str(&text);
                length
            }
            None => {
                decoded.push('&');
                1
            }
        };
        rest = from.get(length..).unwrap_or_default();
    }
    decoded + rest
}

fn character(name: &str) -> Option<String> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        return Some(char::from_u32(code).filter(|c| *c != '\0')?.to_string());
    }
    let (_, text) = NAMED.iter().find(|(known, _)| *known == name)?;
    Some((*text).to_owned())
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn character_references_are_replaced_and_others_kept() {
        for (text, expected) in [
            ("a &amp; b &lt;c&gt;", "a & b <c>"),
            ("&#65;&#x42;&#X43;", "ABC"),
            ("&mdash;&nbsp;&hellip;", "— …"),
            ("&unknown; & &; &#; &#x110000; &#0;", "&unknown; & &; &#; &#x110000; &#0;"),
            ("AT&T, a&b=c;", "AT&T, a&b=c;"),
            ("&amp;lt;", "&lt;"),
            ("&é;&", "&é;&"),
        ] {
            assert_eq!(decoded(text), expected, "{text}");
        }
    }
}
