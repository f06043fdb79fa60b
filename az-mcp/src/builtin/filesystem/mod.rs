//! The tools of files, confined to the workspace.

mod access;
mod append;
mod changes;
mod directories;
mod drafts;
mod durable;
mod edit;
mod encoding;
mod error;
pub mod image;
mod image_header;
mod list;
mod lock;
mod marks;
mod page;
mod path;
mod read;
mod replace;
mod root;
mod search;
mod views;
mod witness;
mod write;

pub use drafts::{Draft, drafts};
pub use edit::{EditArgs, EditTool};
pub use encoding::Encoding;
pub use list::{ListArgs, ListTool};
pub use read::{ReadArgs, ReadTool};
pub use root::Roots;
pub use search::{GlobArgs, GlobTool, SearchArgs, SearchMode, SearchTool};
pub use write::{WriteArgs, WriteTool};
