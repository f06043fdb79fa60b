//! Random files and edits, with all that goes wrong: stale text, text that occurs twice, line ends, byte
//! order marks, UTF-16, normal forms of Unicode, large files, no line end at the end, nothing to replace.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

use super::super::apply::Edit;
use super::super::refusal::Refusal;
use super::oracle::{Expected, expected, text_of};
use super::{edit_bytes, once};

const EDITS: u64 = 100_000;

/// Numbers that follow from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) % limit as u64).unwrap()
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// A file, and the lines that it has without their ends.
struct File {
    lines: Vec<String>,
    text: String,
    encoding: usize,
}

impl File {
    fn random(random: &mut Random) -> Self {
        let count = if random.chance(500) { 250 + random.below(100) } else { 1 + random.below(10) };
        let words =
            ["let", "x", "= 1;", "}", "été", "fn f() {", "aa", "😀", "naïve", "\u{a0}", "a\rb"];
        let lines: Vec<String> = (0..count)
            .map(|number| {
                let indent = " ".repeat(2 * random.below(3));
                let unique = if random.chance(3) { String::new() } else { format!("{number} ") };
                let words: Vec<_> = (0..1 + random.below(3)).map(|_| random.pick(&words)).collect();
                let pad = if count > 100 { "the same words again and again" } else { "" };
                format!("{indent}{unique}{}{pad}", words.join(" "))
            })
            .collect();
        let ends = random.pick(&[&["\n"][..], &["\r\n"], &["\n", "\r\n"]]);
        let mut text = String::new();
        for (index, line) in lines.iter().enumerate() {
            text.push_str(line);
            if index + 1 < lines.len() || !random.chance(3) {
                text.push_str(random.pick(ends));
            }
        }
        Self { lines, text, encoding: random.below(6) }
    }

    fn bytes(&self) -> Vec<u8> {
        let marked = format!("\u{feff}{}", self.text);
        match self.encoding {
            0 => marked.into_bytes(),
            1 => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            2 => marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            _ => self.text.clone().into_bytes(),
        }
    }
}

/// Returns a text of the file as a model copies it, and its first and last line.
fn copied(file: &File, random: &mut Random) -> (String, usize, usize) {
    let first = random.below(file.lines.len());
    let last = (first + random.below(4)).min(file.lines.len() - 1);
    let mut old = file.lines[first..=last].join("\n");
    if random.chance(2) {
        old.push('\n');
    } else if random.chance(3) {
        let chars: Vec<char> = old.chars().collect();
        let (from, to) = (random.below(chars.len() + 1), random.below(chars.len() + 1));
        old = chars[from.min(to)..from.max(to)].iter().collect();
    }
    (old, first, last)
}

/// Returns another text in its place.
fn changed(old: &str, random: &mut Random) -> String {
    let mut lines: Vec<&str> = old.split('\n').collect();
    let at = random.below(lines.len());
    match random.below(5) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, "  a line more"),
        2 => lines[at] = "another one",
        3 => lines.push(""),
        _ => return old.replace('1', "2").replace('x', "y é"),
    }
    lines.join("\n")
}

/// Makes one edit, and checks it; returns what it came to.
fn check(seed: u64) -> &'static str {
    let random = &mut Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let mut file = File::random(random);
    let (mut old, first, last) = copied(&file, random);
    let mut new = changed(&old, random);
    let mut stale = None;
    match random.below(12) {
        0 => old = old.replace('\n', "\r\n"),
        1 => new = new.replace('\n', "\r\n"),
        2 => old.insert(0, '\u{feff}'),
        3 => old = old.nfd().collect(),
        4 => old.clear(),
        5 => new.clone_from(&old),
        6 => {
            // Another program changed a line since it was copied.
            let line = first + random.below(last - first + 1);
            let (before, rest) = file.text.split_at(start_of(&file.text, line));
            file.text = format!("{before}{}", rest.replacen(&*file.lines[line], "other text", 1));
            stale = Some(line + 1);
        }
        _ => {}
    }
    let bytes = file.bytes();
    let edit = once(&old, &new);
    let shown = || format!("seed {seed}: {old:?} by {new:?} in {:?}", file.text);
    match (expected(&bytes, edit), edit_bytes(&bytes, edit)) {
        (Expected::Edited { start, end, chars }, Ok(after)) => {
            let kept = bytes.len() - end;
            assert!(after.len() >= start + kept, "{}", shown());
            assert_eq!(after[..start], bytes[..start], "{}", shown());
            assert_eq!(after[after.len() - kept..], bytes[end..], "{}", shown());
            // What is put beside a CR or removed from between a CR and a line end makes one of both.
            let one_end = |text: String| text.replace("\r\n", "\n");
            assert_eq!(one_end(text_of(&after)), one_end(chars), "{}", shown());
            check_line_ends(&bytes, &after, &shown);
            check_all(&bytes, edit, &after, &shown);
            "edited"
        }
        (Expected::Several { count, lines }, Err(Refusal::Several(found))) => {
            assert_eq!((found.count, found.is_all), (count, true), "{}", shown());
            assert_eq!(found.lines, lines, "{}", shown());
            "several"
        }
        (Expected::Missing, Err(Refusal::Missing(nearest))) => {
            let text = nearest.map(|nearest| nearest.to_string()).unwrap_or_default();
            let is_long = old.len() > 12 && old.trim() == old && !old.contains('\r');
            if let Some(line) = stale.filter(|_| last > first && is_long && is_whole(&file, &old)) {
                let line = format!("line {line} of the file is \"other text");
                assert!(text.contains("line "), "{}: {text}", shown());
                if file.lines.iter().all(|line| line.trim().len() > 7) {
                    assert!(
                        text.contains(&line) || text.contains("at line"),
                        "{}: {text}",
                        shown()
                    );
                }
            }
            "missing"
        }
        (Expected::Nothing, Err(Refusal::Empty | Refusal::Same)) => "nothing",
        (expected, found) => panic!("{}: {expected:?}, {found:?}", shown()),
    }
}

fn is_whole(file: &File, old: &str) -> bool {
    old.lines().all(|line| file.lines.iter().any(|known| known == line))
}

fn start_of(text: &str, line: usize) -> usize {
    text.split_inclusive('\n').take(line).map(str::len).sum()
}

/// A file with line ends of one kind has no others afterwards.
fn check_line_ends(before: &[u8], after: &[u8], shown: &dyn Fn() -> String) {
    let ends = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let all = text.matches('\n').count();
        (text.matches("\r\n").count(), all)
    };
    let has_cr_alone = String::from_utf8_lossy(before).replace("\r\n", "").contains('\r');
    // A CR alone may come to stand before a line end.
    if has_cr_alone || before.starts_with(b"\xff\xfe") || before.starts_with(b"\xfe\xff") {
        return;
    }
    match ends(before) {
        (_, 0) => {}
        (0, _) => assert_eq!(ends(after).0, 0, "{}", shown()),
        (pairs, all) if pairs == all => {
            assert_eq!(ends(after).0, ends(after).1, "{}", shown());
        }
        _ => {}
    }
}

/// Replacing all occurrences of a text that occurs once is the same.
fn check_all(bytes: &[u8], edit: Edit<'_>, after: &[u8], shown: &dyn Fn() -> String) {
    let all = edit_bytes(bytes, Edit { all: true, ..edit });
    assert_eq!(all.as_deref(), Ok(after), "{}", shown());
}

#[test]
fn a_hundred_thousand_mutated_edits_change_their_place_and_nothing_else() {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    std::thread::scope(|scope| {
        let half =
            |from| scope.spawn(move || (from..EDITS).step_by(2).map(check).collect::<Vec<_>>());
        for found in [half(0), half(1)].map(|half| half.join().unwrap()).concat() {
            *counts.entry(found).or_default() += 1;
        }
    });
    assert_eq!(counts.values().sum::<u64>(), EDITS);
    for kind in ["edited", "several", "missing", "nothing"] {
        assert!(counts[kind] > EDITS / 50, "{counts:?}");
    }
}
