use super::Complexity::{Code, Reasoning, Simple};
use super::{Complexity, ComplexityClassifier, KeywordClassifier};

/// Prompts with the kind of work in our own judgement. The keywords were not adapted to them, and
/// wrong results are kept; prompts and keywords have the same author.
const PROMPTS: &[(&str, Complexity)] = &[
    ("Write a function that reverses a linked list", Code),
    ("Fix the failing tests in src/parser.rs", Code),
    ("Why does this segfault?\n```c\nint *p = 0; *p = 1;\n```", Code),
    ("Refactor UserService to use async", Code),
    ("What does Vec::with_capacity() do?", Code),
    ("Add a --verbose flag to the command line tool", Code),
    ("Convert this CSV to JSON with a Python script", Code),
    ("Review the diff and point out bugs", Code),
    ("Rename all .jpeg files in this folder to .jpg with bash", Code),
    ("Create a REST API for a todo list", Code),
    ("Explain what deploy.yaml does", Code),
    ("SELECT is slow on the orders table, help me with the index", Code),
    ("Programmiere ein Skript, das Dateien umbenennt", Code),
    ("Schreibe eine Funktion, die Primzahlen findet", Code),
    ("Écris une fonction qui trie une liste", Code),
    ("Escribe una función que ordene una lista", Code),
    ("写一个函数来反转字符串", Code),
    ("このコードのバグを直して", Code),
    ("Make the build green again", Code),
    ("Why is the sky blue?", Reasoning),
    ("Prove that the square root of 2 is irrational", Reasoning),
    ("Compare renting and buying a flat over ten years", Reasoning),
    ("What are the pros and cons of nuclear power?", Reasoning),
    ("Plan the steps to move our office to another city", Reasoning),
    (
        "A bat and a ball cost $1.10 together. The bat costs a dollar more. What is the ball?",
        Reasoning,
    ),
    ("Analyse the causes of the First World War", Reasoning),
    ("Should we hire now or wait? Weigh the risks", Reasoning),
    ("If all A are B and no B is C, can an A be C?", Reasoning),
    ("Evaluate this business idea: umbrellas for rent", Reasoning),
    ("What is the probability of two sixes in a row?", Reasoning),
    ("Warum ist der Mond nachts heller als am Tag?", Reasoning),
    ("Vergleiche die beiden Angebote", Reasoning),
    ("Pourquoi les feuilles tombent-elles en automne ?", Reasoning),
    ("Analiza las ventajas de cada opción", Reasoning),
    ("为什么天空是蓝色的?", Reasoning),
    ("なぜ空は青いのですか", Reasoning),
    ("Hello", Simple),
    ("", Simple),
    ("What is the capital of France?", Simple),
    ("Translate 'good morning' into Spanish", Simple),
    ("Summarise this article in three sentences", Simple),
    ("Write a birthday card for my aunt", Simple),
    ("List the files in the current directory", Simple),
    ("Remind me to call Bob tomorrow", Simple),
    ("What time is it in Tokyo?", Simple),
    ("Correct the spelling: teh quick borwn fox", Simple),
    ("Tell me a joke about programmers", Simple),
    ("Who wrote Faust?", Simple),
    ("Read notes.txt and tell me the first line", Simple),
    ("Give me a recipe for pancakes", Simple),
    ("Book a table for two at seven", Simple),
    ("Wie spät ist es?", Simple),
    ("Übersetze das ins Englische", Simple),
    ("Quelle est la capitale de l'Italie ?", Simple),
    ("¿Qué hora es?", Simple),
    ("你好", Simple),
    ("Write a poem about the reason we dream", Simple),
    ("What is a python's favourite food?", Simple),
];

/// The number of prompts that are classified correctly. When the keywords change, update it and
/// `docs/routing.md`.
const RIGHT: usize = 51;

#[test]
fn most_prompts_are_classified_correctly_and_the_share_is_documented() {
    let classify = |text: &str| KeywordClassifier.classify(text);
    let wrong: Vec<_> = PROMPTS.iter().filter(|(text, sort)| classify(text) != *sort).collect();
    let list = wrong.iter().map(|(text, sort)| format!("\n{sort}, not {}: {text}", classify(text)));
    let right = PROMPTS.len() - wrong.len();
    assert_eq!(right, RIGHT, "of {}; wrong are:{}", PROMPTS.len(), list.collect::<String>());
    let document = include_str!("../../../../docs/routing.md");
    let said = format!("{RIGHT} of {} prompts", PROMPTS.len());
    assert!(document.contains(&said), "docs/routing.md does not say {said:?}");
}

/// Checks `ComplexityClassifier` 1, 2 and 3. A long text is read only up to a limit.
#[test]
fn any_text_is_classified() {
    for text in ["\0", "....", "é", "`", "\u{3000}", "a.b.c.d.rs", "/////", &"é".repeat(3000)] {
        let class: Complexity = KeywordClassifier.classify(text);
        assert_eq!(KeywordClassifier.classify(text), class, "{text:.20}");
    }
    let late = format!("{}fix main.rs", "la ".repeat(150));
    assert_eq!(KeywordClassifier.classify(&late), Code);
    let too_late = format!("{}fix main.rs", "la ".repeat(180));
    assert_eq!(KeywordClassifier.classify(&too_late), Simple);
}
