//! The bounds against the true counts of public vocabularies.

use tiktoken::get_encoding;

use super::{Least, Vocabulary, at_most, text_at_most};
use crate::chat::{ChatRequest, Message};

/// Texts that have many tokens for their length, in ways that fool rules of thumb.
fn adversarial() -> Vec<String> {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut dice = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let mut letters = |alphabet: &str, word: u64, blank: &str| {
        let alphabet: Vec<char> = alphabet.chars().collect();
        let below = u64::try_from(alphabet.len()).unwrap();
        let mut letter = || alphabet[usize::try_from(dice(below)).unwrap()];
        (0..400)
            .map(|_| (0..word).map(|_| letter()).collect::<String>() + blank)
            .collect::<String>()
    };
    let lower = "abcdefghijklmnopqrstuvwxyz";
    let base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let every_char: String = ('\u{80}'..='\u{2ffff}').step_by(97).collect();
    vec![
        letters(lower, 3, " "),
        letters(lower, 3, ""),
        letters("qxzjkv", 1, " "),
        letters("hjkl:wqdyp0$^gG/%", 2, "\n"),
        letters("0123456789abcdef", 64, ""),
        letters(base64, 76, "\n"),
        letters("0123456789", 1, " "),
        letters("0123456789,.-", 5, ""),
        letters("ሰላምለዓ", 3, " "),
        letters("ᚠᚢᚦᚨᚱᚲ𐎀𐎁𓀀𓀁ꦲꦏ", 4, ""),
        letters("😀🎉🚀👩\u{200d}🔬\u{fe0f}", 3, ""),
        letters("한국어中文日本語ไทย", 4, " "),
        letters("\u{fdfa}\u{958}ﷺｶﾞ①", 4, ""),
        letters(" \t\r\n\u{a0}\u{2003}", 9, ""),
        letters("{}[]()<>!@#$%^&*~`|\\\"'", 3, ""),
        every_char,
    ]
}

const PUBLIC: [&str; 6] =
    ["o200k_base", "cl100k_base", "qwen2", "llama3", "deepseek_v3", "mistral_v3"];

fn count(encoding: &str, text: &str) -> u64 {
    u64::try_from(get_encoding(encoding).unwrap().count(text)).unwrap()
}

#[test]
fn no_public_vocabulary_has_more_tokens_than_the_bound() {
    for text in adversarial() {
        let bound = text_at_most(&text, Vocabulary::Unknown);
        for encoding in PUBLIC {
            let truth = count(encoding, &text);
            assert!(bound >= truth, "{encoding}: {bound} < {truth}: {text:.80}");
        }
        for (vocabulary, encoding) in
            [(Vocabulary::O200k, "o200k_base"), (Vocabulary::Cl100k, "cl100k_base")]
        {
            assert!(text_at_most(&text, vocabulary) >= count(encoding, &text), "{text:.80}");
        }
    }
}

/// Returns the least number of tokens of a text in any vocabulary.
fn least(text: &str) -> u64 {
    let mut least = Least::default();
    least.add(text);
    least.tokens()
}

#[test]
fn no_public_vocabulary_has_fewer_tokens_than_the_lower_bound() {
    let samples = [
        include_str!("../../../docs/architecture.md"),
        include_str!("at_most.rs"),
        "The state. Of-the-art; it's\tdon't I'll we've\r\n\r\n  \u{a0}a\u{3000}b",
        "Größe señor naïve Ελλάδα привет мир שלום עולם مرحبا بالعالم नमस्ते दुनिया 안녕 세상",
    ];
    for text in adversarial().into_iter().chain(samples.map(str::to_owned)) {
        let bound = least(&text);
        for encoding in [&PUBLIC[..], &["p50k_base", "r50k_base"]].concat() {
            let truth = count(encoding, &text);
            assert!(bound <= truth, "{encoding}: {bound} > {truth}: {text:.80}");
        }
    }
}

/// Lines of characters in turn are the texts with the longest tokens.
#[test]
fn characters_in_turn_have_no_fewer_tokens_than_the_lower_bound() {
    let marks: Vec<char> = "-=_*#~+./|<>:;!?'^&%$@`0a".chars().collect();
    for (first, second) in marks.iter().flat_map(|a| marks.iter().map(move |b| (a, b))) {
        let text = format!("{first}{second}").repeat(300);
        let bound = least(&text);
        for encoding in PUBLIC {
            let truth = count(encoding, &text);
            assert!(bound <= truth, "{encoding}: {bound} > {truth}: {text:.20}");
        }
    }
}

/// A provider that reports half of the tokens of prose is noticed, whatever its vocabulary.
#[test]
fn the_lower_bound_of_prose_is_more_than_half_of_its_tokens() {
    let prose: String = include_str!("../../../docs/architecture.md")
        .lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .collect::<Vec<_>>()
        .join("\n");
    let bound = least(&prose);
    for encoding in PUBLIC {
        let truth = count(encoding, &prose);
        assert!(2 * bound > truth, "{encoding}: {bound} of {truth}");
    }
}

/// The figures for other vocabularies are those that a hold at, for example, Anthropic has.
#[test]
fn where_the_vocabulary_is_public_the_bound_is_close() {
    let prose = include_str!("../../../docs/architecture.md");
    let code = include_str!("at_most.rs");
    for (sample, unknown) in [(prose, 6.0), (code, 6.0)] {
        let turns = sample.as_bytes().chunks(2_000).map(String::from_utf8_lossy);
        let turns: Vec<Message> = turns.map(|text| Message::user(text.into_owned())).collect();
        let texts = turns.iter().map(|message| match message {
            Message::User { text, .. } => count("o200k_base", text),
            other => panic!("{other:?}"),
        });
        // A message has four tokens besides its text, and a reply's beginning three.
        let truth = texts.map(|tokens| tokens + 4).sum::<u64>() + 3;
        let request = ChatRequest::new("gpt-5.6", turns);
        let ratio = |vocabulary| {
            let bound = u32::try_from(at_most(&request, vocabulary)).unwrap();
            f64::from(bound) / f64::from(u32::try_from(truth).unwrap())
        };
        let (public, other) = (ratio(Vocabulary::O200k), ratio(Vocabulary::Unknown));
        assert!((1.0..=1.6).contains(&public), "{public} times {truth}");
        assert!((1.0..=unknown).contains(&other), "{other} times {truth}");
    }
}
