//! Images that belong to the command of a task.

use serde::{Deserialize, Serialize};

use crate::content::ImageContent;

/// An image that the model gets with the command of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskImage {
    /// The name by which the user knows it, such as the path of a file.
    pub name: String,
    /// The image.
    #[serde(flatten)]
    pub content: ImageContent,
}

impl TaskImage {
    /// Creates an image with a name.
    pub fn new(name: impl Into<String>, content: ImageContent) -> Self {
        Self { name: name.into(), content }
    }
}
