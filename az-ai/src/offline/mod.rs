//! A stand-in for a model, for working without one: a planner over the tools.
//!
//! It is no model and does not pretend to be one. It knows a small language of commands, joined by
//! `then`, `and`, `;` or line ends, and does exactly what they say:
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
//! | `search for "WORDS" [in COLLECTION]` | searches documents by meaning |
//!
//! `it`, `the output`, `the result`, `that number` and `how many there are` stand for what the step
//! before came to. Most verbs have synonyms, such as `cat` for `read`; `docs/offline.md` has all of
//! the language. The whole command is understood before the first step is taken, so nothing is left
//! half done for want of a word.

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
