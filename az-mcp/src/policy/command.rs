//! Commands of a shell, as rules see them.
//!
//! A rule that *allows* matches only commands whose words are certain: those without variables,
//! substitutions, redirections, globs, braces, escapes, comments or assignments. `&&`, `||`, `;` and `|`
//! between such commands are understood, and each of them has to match. A rule that *denies* or *asks*
//! matches as soon as the words of its pattern may stand somewhere in the text.
//!
//! Neither is a boundary: a program that a rule allows can start others. The sandbox is the boundary.

/// Returns the words of each command of a text, or `None` if the text is not made of simple commands
/// alone.
fn simple_commands(text: &str) -> Option<Vec<Vec<String>>> {
    let mut reader = Reader { commands: Vec::new(), words: Vec::new(), word: None };
    let mut chars = text.trim_matches([' ', '\t']).chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            ' ' | '\t' => reader.end_word(),
            '\'' => reader.quoted(&mut chars, '\'', |_| true)?,
            // In double quotes, these keep a meaning.
            '"' => reader.quoted(&mut chars, '"', |inner| !"$`\\!".contains(inner))?,
            '&' if chars.next_if_eq(&'&').is_some() => reader.end_command()?,
            '|' => {
                // `|&` also connects the standard error, and is left out.
                chars.next_if_eq(&'|');
                reader.end_command()?;
            }
            ';' => reader.end_command()?,
            plain if is_plain(plain) => reader.word.get_or_insert_default().push(plain),
            _ => return None,
        }
    }
    reader.end_word();
    if reader.words.is_empty() {
        return None;
    }
    reader.end_command()?;
    let assigns = |words: &Vec<String>| words.first().is_none_or(|word| word.contains('='));
    (!reader.commands.iter().any(assigns)).then_some(reader.commands)
}

/// Whether a character means itself outside of quotes, in every shell and wherever it stands in a word.
fn is_plain(char: char) -> bool {
    match char {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        '/' | '.' | '-' | '_' | ',' | ':' | '@' | '%' | '+' | '=' => true,
        // Other characters of ASCII have a meaning; of the others, blanks and invisible ones may mislead.
        other => !other.is_ascii() && other.is_alphanumeric(),
    }
}

/// The commands that were read.
struct Reader {
    commands: Vec<Vec<String>>,
    words: Vec<String>,
    word: Option<String>,
}

impl Reader {
    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    /// Ends a command; `None` if it has no words.
    fn end_command(&mut self) -> Option<()> {
        self.end_word();
        if self.words.is_empty() {
            return None;
        }
        self.commands.push(std::mem::take(&mut self.words));
        Some(())
    }

    /// Reads up to the closing quote.
    fn quoted(
        &mut self,
        chars: &mut impl Iterator<Item = char>,
        end: char,
        may_have: impl Fn(char) -> bool,
    ) -> Option<()> {
        let word = self.word.get_or_insert_default();
        for char in chars {
            if char == end {
                return Some(());
            }
            if !may_have(char) || char.is_control() {
                return None;
            }
            word.push(char);
        }
        None
    }
}

/// Whether all commands of a text certainly match a pattern.
pub(super) fn certainly_matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<_> = pattern.split_ascii_whitespace().collect();
    simple_commands(text)
        .is_some_and(|commands| commands.iter().all(|words| begins_with(words, &pattern, true)))
}

/// Whether a text may run a command that matches a pattern.
pub(super) fn may_match(pattern: &str, text: &str) -> bool {
    let pattern: Vec<_> = pattern.split_ascii_whitespace().collect();
    // Quotes and escapes do not hide a word.
    let bare: String = text.chars().filter(|char| !"'\"\\".contains(*char)).collect();
    let words = bare.split(|char: char| {
        char.is_whitespace() || char.is_control() || ";&|<>()$`{}".contains(char)
    });
    let words: Vec<_> = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
    (0..words.len()).any(|start| {
        let rest = words.get(start..).unwrap_or_default();
        let program = rest.first().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        let by_name: Vec<_> =
            std::iter::once(program.to_owned()).chain(rest.iter().skip(1).cloned()).collect();
        begins_with(rest, &pattern, false) || begins_with(&by_name, &pattern, false)
    })
}

/// Whether words match those of a pattern: all of them if `whole`, else the first ones. A last `*` matches
/// any number of words.
fn begins_with(words: &[String], pattern: &[&str], whole: bool) -> bool {
    let (pattern, has_rest) = match pattern.split_last() {
        Some((&"*", before)) => (before, true),
        _ => (pattern, !whole),
    };
    let fits = if has_rest { words.len() >= pattern.len() } else { words.len() == pattern.len() };
    fits && words.iter().zip(pattern).all(|(word, pattern)| word_matches(pattern, word))
}

/// Whether a word matches a pattern, in which `*` stands for any text.
pub(super) fn word_matches(pattern: &str, word: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == word };
    let Some(mut word) = word.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return word.ends_with(part);
        }
        let Some(at) = word.find(part) else { return false };
        word = word.get(at + part.len()..).unwrap_or_default();
    }
    true
}

/// Returns the pattern that matches exactly this command, if there is one.
pub(super) fn exact_pattern(text: &str) -> Option<String> {
    let words = match simple_commands(text)?.as_slice() {
        [words] => words.clone(),
        _ => return None,
    };
    let is_literal = |word: &String| {
        !word.is_empty() && !word.contains(|char: char| char == '*' || char.is_whitespace())
    };
    words.iter().all(is_literal).then(|| words.join(" "))
}

/// Returns what is wrong with a pattern.
pub(super) fn check_pattern(pattern: &str) -> Option<&'static str> {
    match pattern.split_ascii_whitespace().next() {
        None => Some("must not be empty"),
        Some(program) if program.contains('*') => {
            Some("must begin with the name of a program, without `*`")
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests;
