//! Recordings: what is in them, and what comes of playing them.

mod demo;
mod file;
mod matching;
mod round_trip;
mod support;

pub(crate) use support::Paper;
