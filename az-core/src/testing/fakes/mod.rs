//! Stand-ins that keep their contracts.

mod embedder;
mod recorder;
mod toolbox;

pub use embedder::LetterEmbedder;
pub use recorder::Recorder;
pub use toolbox::{FakeTool, FakeToolbox};
