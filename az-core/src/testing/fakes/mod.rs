//! Simple implementations that satisfy their contracts, for tests.

mod approver;
mod embedder;
mod policy;
mod recorder;
mod toolbox;

pub use approver::FakeApprover;
pub use embedder::LetterEmbedder;
pub use policy::FakePolicy;
pub use recorder::Recorder;
pub use toolbox::{FakeTool, FakeToolbox};
