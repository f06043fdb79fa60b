//! The instructions of a project, for a task in it.

use serde::{Deserialize, Serialize};

use crate::digest::sha256_hex;

/// Instructions for work in a workspace, as they were when the task was created. They tell the model how to
/// do the task, and grant no permissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskInstructions {
    /// The text for the model.
    pub text: String,
    /// The SHA-256 digest of the text, in hexadecimal.
    pub sha256: String,
    /// The files that the text is from, as the user knows them.
    pub files: Vec<String>,
}

impl TaskInstructions {
    /// Creates instructions from these files.
    pub fn new(text: impl Into<String>, files: Vec<String>) -> Self {
        let text = text.into();
        let sha256 = sha256_hex(&text);
        Self { text, sha256, files }
    }
}
