//! `filesystem.read`.

use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use az_core::Result;
use az_core::digest::sha256_hex;
use az_core::tool::{Access, EffectClass, Invocation, SeenFile, ToolOutput, ToolScope};
use schemars::JsonSchema;
use serde::Deserialize;

use super::access::{AccessGuard, named_path, seen_path};
use super::encoding::Encoding;
use super::error::FileError;
use super::image::{self, media_type};
use super::page::{Page, PageSize};
use super::root::{Root, Roots, into_output};
use crate::secrets::KnownSecrets;
use crate::tool::{TypedTool, invalid_argument};

/// The largest size of a file that is read.
const MAX_BYTES: u64 = 10 << 20;
/// The number of lines that a model is shown, unless it names another one.
const MAX_LINES: usize = 2_000;
/// The largest part of a file that a model is shown, in bytes. With the line that says what is left
/// out, it fits what a model is shown of a read (24 KB), so that nothing is cut from its middle.
const MAX_SHOWN: usize = 24_000;
/// The smallest such part, for models with small windows.
const LEAST_SHOWN: usize = 256;
/// The most bytes of the line that says what is left out.
const NOTES: usize = 200;

/// Reads a file.
#[derive(Debug)]
pub struct ReadTool(Arc<Roots>);

/// The arguments of `filesystem.read`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadArgs {
    /// File path, relative to the workspace
    pub path: String,
    /// File encoding
    #[serde(default)]
    pub encoding: Encoding,
    /// First line to return, from 1
    #[serde(default = "first_line")]
    pub offset: usize,
    /// Number of lines to return; by default all, for a model up to 2000
    #[serde(default)]
    pub limit: Option<usize>,
}

const fn first_line() -> usize {
    1
}

impl ReadTool {
    /// Creates the tool; each call is confined to its workspace.
    pub const fn new(roots: Arc<Roots>) -> Self {
        Self(roots)
    }
}

impl TypedTool for ReadTool {
    type Args = ReadArgs;
    const NAME: &'static str = "filesystem.read";
    const DESCRIPTION: &'static str = "Read file contents. Of a long file, the result is a part that says \
        with which offset to read on. Pictures (PNG, JPEG, GIF, WebP) are shown";
    const CATEGORY: &'static str = "filesystem";
    const RETURNS: &'static str = "string";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::Workspace;
    const CORE: bool = true;
    const EXAMPLE: &'static str = r#"{"path": "README.md"}"#;

    fn accesses(&self, args: &ReadArgs, call: &Invocation) -> Vec<Access> {
        vec![Access::Read { path: named_path(&args.path, call, self.0.home()) }]
    }

    fn check(&self, args: &ReadArgs) -> Result<()> {
        let invalid = |name| Err(invalid_argument(Self::NAME, name, "must be at least 1"));
        match (args.offset, args.limit) {
            (0, _) => invalid("offset"),
            (_, Some(0)) => invalid("limit"),
            _ => Ok(()),
        }
    }

    async fn call(&self, args: ReadArgs, call: &Invocation) -> Result<ToolOutput> {
        let guard = AccessGuard::of(call, &args.path, self.0.home());
        let request = Request::of(args, call);
        Ok(into_output(self.0.run(call, move |root| request.read(root, &guard)).await?))
    }
}

/// What a call reads, and how much of it is shown.
#[derive(Debug)]
struct Request {
    args: ReadArgs,
    /// Whether the call names an encoding; a picture is text or base64 then.
    is_encoding_named: bool,
    /// The most bytes of the output for a model; `None` if it is for something else.
    most: Option<usize>,
}

impl Request {
    fn of(args: ReadArgs, call: &Invocation) -> Self {
        let is_encoding_named = call.arguments.get("encoding").is_some();
        let shown = call.shown_bytes.map_or(MAX_SHOWN, |bytes| bytes.saturating_sub(NOTES));
        let most = call.seen.is_some().then_some(shown.clamp(LEAST_SHOWN, MAX_SHOWN));
        Self { args, is_encoding_named, most }
    }

    fn read(&self, root: &Root, guard: &AccessGuard) -> Result<ToolOutput, FileError> {
        let path = self.args.path.as_str();
        let file = root.open_file(path)?;
        guard.check(root, &file, Path::new(""), |path| Access::Read { path })?;
        let real = seen_path(root, &file, Path::new(""), path);
        let bytes = read_all(path, file)?;
        let seen = SeenFile::new(real, sha256_hex(&bytes), bytes.len() as u64);
        match media_type(&bytes) {
            Some(media_type) if !self.is_encoding_named => {
                Ok(image::output(path, media_type, &bytes)?.with_seen(seen.complete()))
            }
            _ => self.page(bytes, seen, root.secrets()),
        }
    }

    fn page(
        &self,
        bytes: Vec<u8>,
        seen: SeenFile,
        secrets: &KnownSecrets,
    ) -> Result<ToolOutput, FileError> {
        let path = self.args.path.as_str();
        let text = self.args.encoding.decode(path, bytes)?;
        let page = Page::of(&text, self.args.offset, self.size());
        let page = page.map_err(|lines| {
            let (path, offset) = (path.to_owned(), self.args.offset);
            FileError::BeyondEnd { path, offset, lines }
        })?;
        let seen = match (page.is_whole(), self.args.encoding == Encoding::default()) {
            (true, _) => seen.complete(),
            (false, true) => {
                let Range { start, end } = page.range();
                seen.with_range(start as u64..end as u64)
            }
            // Positions in the text are not those in the file.
            (false, false) => seen,
        };
        let shown = page.masked(&text, secrets);
        // A file that was shown with a secret masked must not be written back like that.
        let seen = if shown == page.text { seen } else { seen.hidden() };
        Ok(ToolOutput::done(page.render(&shown)).with_seen(seen))
    }

    fn size(&self) -> PageSize {
        let lines = self.args.limit;
        match self.most {
            Some(bytes) => PageSize { lines: lines.unwrap_or(MAX_LINES), bytes },
            None => PageSize { lines: lines.unwrap_or(usize::MAX), bytes: usize::MAX },
        }
    }
}

/// Reads a file, up to the limit.
pub(super) fn read_all(path: &str, file: impl Read) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    // The size in the metadata is not reliable: files grow, and those in `/proc` have size 0.
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| FileError::at(path, error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::TooLarge { path: path.to_owned(), limit: MAX_BYTES });
    }
    Ok(bytes)
}
