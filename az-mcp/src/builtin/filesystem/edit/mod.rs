//! `filesystem.edit`: replaces a text that occurs once in a file.
//!
//! | To see | read |
//! |---|---|
//! | the tool, and how an interrupted call is recovered | [`tool`], [`job`] |
//! | which files are text, and how they are encoded again | [`text`] |
//! | how line ends are compared and kept | [`normal`] |
//! | where an edit applies, and what the file is then | [`apply`] |
//! | why an edit is refused, with the place that it may mean | [`refusal`], [`nearest`] |
//! | what the model is shown afterwards | [`report`] |

mod apply;
mod job;
mod nearest;
mod normal;
mod refusal;
mod report;
mod text;
mod tool;

pub use tool::{EditArgs, EditTool};

#[cfg(test)]
mod tests;
