//! The keywords of the classifier.

/// The kind of work that a word indicates, and its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Code(u32),
    Reasoning(u32),
}

use Sign::{Code, Reasoning};

/// Words in lower case, in byte order.
const WORDS: &[(&str, Sign)] = &[
    ("abwägen", Reasoning(2)),
    ("algorithm", Code(2)),
    ("analiza", Reasoning(2)),
    ("analyse", Reasoning(2)),
    ("analyser", Reasoning(2)),
    ("analysiere", Reasoning(2)),
    ("analysis", Reasoning(2)),
    ("analyze", Reasoning(2)),
    ("api", Code(2)),
    ("argue", Reasoning(2)),
    ("array", Code(1)),
    ("assess", Reasoning(2)),
    ("assume", Reasoning(1)),
    ("async", Code(2)),
    ("backend", Code(2)),
    ("bash", Code(2)),
    ("begründe", Reasoning(2)),
    ("berechne", Reasoning(2)),
    ("best", Reasoning(1)),
    ("better", Reasoning(1)),
    ("beweise", Reasoning(2)),
    ("bewerte", Reasoning(2)),
    ("biblioteca", Code(1)),
    ("bibliothek", Code(1)),
    ("bibliothèque", Code(1)),
    ("bogue", Code(2)),
    ("branch", Code(1)),
    ("bug", Code(2)),
    ("bugs", Code(2)),
    ("calcula", Reasoning(2)),
    ("calculate", Reasoning(2)),
    ("calcule", Reasoning(2)),
    ("cargo", Code(2)),
    ("causa", Reasoning(1)),
    ("cause", Reasoning(1)),
    ("causes", Reasoning(1)),
    ("clase", Code(1)),
    ("class", Code(1)),
    ("classe", Code(1)),
    ("code", Code(2)),
    ("codebase", Code(2)),
    ("coding", Code(2)),
    ("column", Code(1)),
    ("commit", Code(1)),
    ("compara", Reasoning(2)),
    ("compare", Reasoning(2)),
    ("comparer", Reasoning(2)),
    ("comparison", Reasoning(2)),
    ("compilar", Code(2)),
    ("compile", Code(2)),
    ("compiler", Code(2)),
    ("compiles", Code(2)),
    ("cons", Reasoning(1)),
    ("consequences", Reasoning(2)),
    ("crash", Code(1)),
    ("crashes", Code(1)),
    ("critique", Reasoning(2)),
    ("css", Code(2)),
    ("código", Code(2)),
    ("database", Code(1)),
    ("debería", Reasoning(1)),
    ("debug", Code(2)),
    ("debugger", Code(2)),
    ("decide", Reasoning(1)),
    ("deduce", Reasoning(2)),
    ("demuestra", Reasoning(2)),
    ("deploy", Code(1)),
    ("depurar", Code(2)),
    ("derive", Reasoning(2)),
    ("devrait", Reasoning(1)),
    ("diferencia", Reasoning(1)),
    ("difference", Reasoning(1)),
    ("différence", Reasoning(1)),
    ("django", Code(2)),
    ("dockerfile", Code(2)),
    ("déboguer", Code(2)),
    ("démontre", Reasoning(2)),
    ("effects", Reasoning(1)),
    ("endpoint", Code(2)),
    ("entscheide", Reasoning(1)),
    ("erkläre", Reasoning(1)),
    ("erreur", Code(1)),
    ("error", Code(1)),
    ("evaluate", Reasoning(2)),
    ("evalúa", Reasoning(2)),
    ("exception", Code(1)),
    ("explain", Reasoning(1)),
    ("explica", Reasoning(1)),
    ("explique", Reasoning(1)),
    ("fehler", Code(1)),
    ("folgere", Reasoning(2)),
    ("fonction", Code(2)),
    ("frontend", Code(2)),
    ("función", Code(2)),
    ("function", Code(2)),
    ("functions", Code(2)),
    ("funktion", Code(2)),
    ("git", Code(2)),
    ("golang", Code(2)),
    ("html", Code(2)),
    ("hypothesis", Reasoning(2)),
    ("impact", Reasoning(1)),
    ("implement", Code(1)),
    ("implementa", Code(1)),
    ("implementiere", Code(1)),
    ("implications", Reasoning(2)),
    ("implémente", Code(1)),
    ("infer", Reasoning(2)),
    ("java", Code(2)),
    ("javascript", Code(2)),
    ("json", Code(2)),
    ("justifica", Reasoning(2)),
    ("justifie", Reasoning(2)),
    ("justify", Reasoning(2)),
    ("klasse", Code(1)),
    ("kompiliert", Code(2)),
    ("kotlin", Code(2)),
    ("kubernetes", Code(2)),
    ("library", Code(1)),
    ("likely", Reasoning(1)),
    ("lint", Code(1)),
    ("logic", Reasoning(1)),
    ("loop", Code(1)),
    ("löse", Reasoning(1)),
    ("merge", Code(1)),
    ("method", Code(1)),
    ("module", Code(1)),
    ("npm", Code(2)),
    ("nullpointerexception", Code(2)),
    ("optimal", Reasoning(2)),
    ("parse", Code(1)),
    ("parser", Code(1)),
    ("plan", Reasoning(1)),
    ("plane", Reasoning(1)),
    ("porqué", Reasoning(1)),
    ("pourquoi", Reasoning(2)),
    ("probability", Reasoning(2)),
    ("program", Code(2)),
    ("programa", Code(2)),
    ("programm", Code(2)),
    ("programme", Code(2)),
    ("programmiere", Code(2)),
    ("programmieren", Code(2)),
    ("proof", Reasoning(2)),
    ("pros", Reasoning(1)),
    ("prouve", Reasoning(2)),
    ("prove", Reasoning(2)),
    ("puzzle", Reasoning(2)),
    ("pytest", Code(2)),
    ("python", Code(2)),
    ("quellcode", Code(2)),
    ("queue", Code(1)),
    ("raisonne", Reasoning(2)),
    ("razona", Reasoning(2)),
    ("reason", Reasoning(2)),
    ("reasoning", Reasoning(2)),
    ("recommend", Reasoning(2)),
    ("recursion", Code(2)),
    ("refactor", Code(2)),
    ("refactoring", Code(2)),
    ("regex", Code(2)),
    ("regexp", Code(2)),
    ("resuelve", Reasoning(1)),
    ("riddle", Reasoning(2)),
    ("rust", Code(2)),
    ("résous", Reasoning(1)),
    ("schema", Code(1)),
    ("script", Code(2)),
    ("scripts", Code(2)),
    ("segfault", Code(2)),
    ("server", Code(1)),
    ("should", Reasoning(1)),
    ("skript", Code(2)),
    ("sollte", Reasoning(1)),
    ("solve", Reasoning(1)),
    ("sql", Code(2)),
    ("stacktrace", Code(2)),
    ("step", Reasoning(1)),
    ("steps", Reasoning(1)),
    ("strategic", Reasoning(2)),
    ("strategy", Reasoning(2)),
    ("struct", Code(2)),
    ("suppose", Reasoning(1)),
    ("table", Code(1)),
    ("test", Code(1)),
    ("tests", Code(1)),
    ("thread", Code(1)),
    ("traceback", Code(2)),
    ("tradeoff", Reasoning(2)),
    ("tradeoffs", Reasoning(2)),
    ("typescript", Code(2)),
    ("unittest", Code(2)),
    ("unittests", Code(2)),
    ("unterschied", Reasoning(1)),
    ("ursache", Reasoning(1)),
    ("variable", Code(1)),
    ("variables", Code(1)),
    ("vergleich", Reasoning(2)),
    ("vergleiche", Reasoning(2)),
    ("wahrscheinlichkeit", Reasoning(2)),
    ("warum", Reasoning(2)),
    ("webpack", Code(2)),
    ("weigh", Reasoning(2)),
    ("weshalb", Reasoning(2)),
    ("whether", Reasoning(1)),
    ("why", Reasoning(2)),
    ("yaml", Code(2)),
    ("évalue", Reasoning(2)),
];

/// Extensions of source files, in byte order.
const EXTENSIONS: &[&str] = &[
    "bash", "c", "cc", "cpp", "cs", "css", "go", "h", "hpp", "html", "ipynb", "java", "js", "json",
    "jsx", "kt", "lock", "php", "proto", "ps1", "py", "rb", "rs", "scala", "sh", "sql", "swift",
    "toml", "ts", "tsx", "vue", "yaml", "yml",
];

/// Phrases in scripts without blanks between words.
const PHRASES: &[(&str, Sign)] = &[
    ("为什么", Reasoning(2)),
    ("代码", Code(2)),
    ("函数", Code(2)),
    ("分析", Reasoning(2)),
    ("推理", Reasoning(2)),
    ("比较", Reasoning(2)),
    ("程序", Code(2)),
    ("编程", Code(2)),
    ("脚本", Code(2)),
    ("证明", Reasoning(2)),
    ("なぜ", Reasoning(2)),
    ("コード", Code(2)),
    ("バグ", Code(2)),
    ("プログラム", Code(2)),
    ("比較", Reasoning(2)),
    ("証明", Reasoning(2)),
    ("関数", Code(2)),
];

/// Marks that prose does not have; none begins with a letter.
const MARKS: &[(&str, Sign)] = &[
    ("```", Code(2)),
    ("#include", Code(2)),
    ("::", Code(1)),
    ("()", Code(1)),
    ("=>", Code(1)),
    ("->", Code(1)),
    ("};", Code(1)),
];

/// The longest word in the list, in bytes.
const LONGEST: usize = 24;

/// A Bloom filter: a bit for the hash of each word. It rules out most words without a search.
const HASHES: [u64; 128] = hashes();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn hashes() -> [u64; 128] {
    let mut hashes = [0; 128];
    let mut i = 0;
    while i < WORDS.len() {
        let word = WORDS[i].0.as_bytes();
        let (mut hash, mut j) = (0, 0);
        while j < word.len() {
            hash = mix(hash, word[j]);
            j += 1;
        }
        let (row, bit) = slot(hash);
        hashes[row] |= bit;
        i += 1;
    }
    hashes
}

/// Adds a byte to a hash; the case of letters is ignored.
const fn mix(hash: u32, byte: u8) -> u32 {
    (hash ^ (byte | 0x20) as u32).wrapping_mul(0x0100_0193)
}

/// Returns the bit of a hash.
const fn slot(hash: u32) -> (usize, u64) {
    ((hash >> 14) as usize & 0x7F, 1 << (hash >> 8 & 0x3F))
}

/// A bit for the last byte of each phrase's first character.
const FIRSTS: u64 = firsts();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn firsts() -> u64 {
    let mut firsts = 0;
    let mut i = 0;
    while i < PHRASES.len() {
        firsts |= 1 << (PHRASES[i].0.as_bytes()[2] & 0x3F);
        i += 1;
    }
    firsts
}

/// Finds all signs in a text.
pub(super) fn signs(text: &str, mut found: impl FnMut(Sign)) {
    let mut rest = text.as_bytes();
    // Whether a name and a full stop precede the word.
    let mut after_name = false;
    while let Some((word, next)) = split(rest) {
        if after_name && EXTENSIONS.binary_search_by(|known| known.as_bytes().cmp(word)).is_ok() {
            found(Code(2));
        } else if let Some(sign) = sign(word) {
            found(sign);
        }
        if matches!(next.first(), Some(b'`' | b'#' | b':' | b'(' | b'=' | b'-' | b'}')) {
            let mark = MARKS.iter().find(|(mark, _)| next.starts_with(mark.as_bytes()));
            mark.iter().for_each(|(_, sign)| found(*sign));
        }
        // `name.ext`: only a full stop between two words.
        after_name = matches!(next, [b'.', after, ..] if is_word(*after)) && !word.is_empty();
        rest = next.get(1..).unwrap_or_default();
    }
    if !text.is_ascii() {
        phrases(text.as_bytes(), found);
    }
}

/// Finds the phrases without blanks around them. Their characters have three bytes; the last byte
/// of the first character rules out most positions without a search.
fn phrases(text: &[u8], mut found: impl FnMut(Sign)) {
    for (i, bytes) in text.windows(3).enumerate() {
        let [0xE3..=0xE9, _, last] = bytes else { continue };
        if FIRSTS & (1 << (last & 0x3F)) == 0 {
            continue;
        }
        let here = text.get(i..).unwrap_or_default();
        let phrase = PHRASES.iter().find(|(phrase, _)| here.starts_with(phrase.as_bytes()));
        phrase.iter().for_each(|(_, sign)| found(*sign));
    }
}

/// Splits off the first word, which is empty when the text begins with something else.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if text.is_empty() {
        return None;
    }
    let end = text.iter().position(|byte| !is_word(*byte)).unwrap_or(text.len());
    text.split_at_checked(end)
}

/// Whether a byte can be part of a word; those of letters beyond ASCII can.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || byte == b'_'
}

fn sign(word: &[u8]) -> Option<Sign> {
    let (row, bit) = slot(word.iter().fold(0, |hash, byte| mix(hash, *byte)));
    if word.len() > LONGEST || HASHES.get(row)? & bit == 0 {
        return None;
    }
    let mut lower = [0; LONGEST];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    let lower = &*lower;
    let i = WORDS.binary_search_by(|(known, _)| known.as_bytes().cmp(lower)).ok()?;
    WORDS.get(i).map(|(_, sign)| *sign)
}

#[cfg(test)]
mod tests {
    use super::{EXTENSIONS, LONGEST, PHRASES, WORDS};

    #[test]
    fn the_keyword_lists_are_sorted() {
        assert!(WORDS.is_sorted_by(|(a, _), (b, _)| a < b));
        assert!(EXTENSIONS.is_sorted());
        assert!(WORDS.iter().all(|(word, _)| word.len() <= LONGEST));
        assert!(PHRASES.iter().all(|(phrase, _)| matches!(phrase.as_bytes(), [0xE3..=0xE9, ..])));
    }
}
