//! A planner that works without a model, by calling tools for commands of a small language.
//!
//! It is not a language model. It parses commands, joined by `then`, `and`, `;` or line ends, and
//! executes exactly these:
//!
//! | command | does |
//! |---|---|
//! | `list [the] files [in DIR] [recursively] [including hidden]` | lists a directory |
//! | `read FILE` | reads a file |
//! | `write "TEXT" to FILE`, `append "TEXT" to FILE` | writes a file |
//! | `count the lines in FILE`, `… words …`, `… files in DIR` | counts |
//! | `find "TEXT" in DIR`, `find files named *.rs [in DIR]` | finds |
//! | `run "COMMAND"` | runs a command |
//! | `show processes [named NAME]` | lists processes |
//! | `search for "WORDS" [in COLLECTION]` | searches documents semantically |
//!
//! `it`, `the output`, `the result`, `that number` and `how many there are` refer to the previous
//! step's result. Most verbs have synonyms, such as `cat` for `read`; `docs/offline.md` documents
//! the whole language. The whole command is parsed before the first step is executed, so that no
//! command is left half done because of an unknown word.

mod advice;
mod client;
mod cursor;
mod lex;
mod parse;
mod phrase;
mod plan;
mod step;
mod value;
mod verb;

pub use client::OfflineClient;
