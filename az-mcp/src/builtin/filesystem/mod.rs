//! `filesystem.list`, `filesystem.read` and `filesystem.write`, confined to the workspace.

mod access;
mod append;
mod changes;
mod directories;
mod drafts;
mod durable;
mod encoding;
mod error;
mod list;
mod lock;
mod marks;
mod path;
mod read;
mod replace;
mod root;
mod witness;
mod write;

pub use drafts::{Draft, drafts};
pub use encoding::Encoding;
pub use list::{ListArgs, ListTool};
pub use read::{ReadArgs, ReadTool};
pub use root::Roots;
pub use write::{WriteArgs, WriteTool};
