//! Recordings and their replay.

mod demo;
mod file;
mod matching;
mod round_trip;
mod support;

pub(crate) use support::Paper;
