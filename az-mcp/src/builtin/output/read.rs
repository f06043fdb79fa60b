//! `output.read`.

use az_core::text::plural;
use az_core::tool::{EffectClass, Invocation, OUTPUT_READ, ToolOutput, ToolScope};
use az_core::{CallId, Result, blocking};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::files::{OutputFiles, Part};
use crate::builtin::bytes::without_cut_character;
use crate::schema::output_schema;
use crate::tool::{TypedTool, invalid_argument};

/// The default of `limit`: with the line at its end, a result that models are shown completely.
const DEFAULT_LIMIT: u32 = 6 << 10;
/// The largest `limit`.
const MAX_LIMIT: u32 = 64 << 10;

/// Reads the recorded output of an earlier call, and what its background processes have printed
/// since.
#[derive(Debug)]
pub struct OutputReadTool(OutputFiles);

/// The arguments of `output.read`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputReadArgs {
    /// Id of the call, such as `t0.0`, as shortened results and background processes name it
    pub call: String,
    /// First byte to read; a negative offset counts from the end
    #[serde(default)]
    pub offset: i64,
    /// Number of bytes to read, at most 65536
    #[serde(default = "default_limit")]
    pub limit: u32,
}

/// The data of a result: which part of the output the text is.
#[derive(Debug, Serialize, JsonSchema)]
struct ReadPart {
    /// The first byte.
    offset: u64,
    /// The first byte of the next part.
    next_offset: u64,
    /// The size of the whole output so far, in bytes.
    total: u64,
}

const fn default_limit() -> u32 {
    DEFAULT_LIMIT
}

impl OutputReadTool {
    /// Creates the tool for the files that the shell writes.
    pub(in crate::builtin) const fn new(files: OutputFiles) -> Self {
        Self(files)
    }

    async fn read_file(
        &self,
        call: &Invocation,
        id: &CallId,
        (offset, limit): (u64, usize),
    ) -> Result<std::io::Result<Part>> {
        let (files, task, id) = (self.0.clone(), call.task.clone(), id.clone());
        let read = move || files.read(&task, &id, offset, limit);
        blocking::run(read).await
    }
}

impl TypedTool for OutputReadTool {
    type Args = OutputReadArgs;
    const NAME: &'static str = OUTPUT_READ;
    const DESCRIPTION: &'static str = "Read the whole output of an earlier call in parts, and what \
         its background processes print";
    const CATEGORY: &'static str = "output";
    const RETURNS: &'static str = "object";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::Workspace;
    const CORE: bool = true;
    const EXAMPLE: &'static str = r#"{"call": "t0.0", "offset": 6144}"#;

    fn output_schema(&self) -> Option<Value> {
        Some(output_schema::<ReadPart>())
    }

    fn check(&self, args: &OutputReadArgs) -> Result<()> {
        let refused = |name: &str, reason: &str| Err(invalid_argument(Self::NAME, name, reason));
        if CallId::new(args.call.trim()).is_err() {
            return refused("call", "must be the id of a call, such as t0.0");
        }
        if !(1..=MAX_LIMIT).contains(&args.limit) {
            return refused("limit", &format!("must be 1 to {MAX_LIMIT}, got {}", args.limit));
        }
        Ok(())
    }

    async fn call(&self, args: OutputReadArgs, call: &Invocation) -> Result<ToolOutput> {
        let id = CallId::new(args.call.trim())?;
        let Some(recorded) = call.results.get(&id).await? else {
            return Ok(ToolOutput::failed(format!(
                "the task has no recorded result of a call {:?}; ids have the form t0.0",
                id.as_str()
            )));
        };
        let recorded = recorded.text().into_owned().into_bytes();
        let length = recorded.len() as u64;
        // The length of the file decides where a negative offset is.
        let whole = match self.read_file(call, &id, (u64::MAX, 0)).await? {
            Ok(part) => length + part.end,
            Err(error) => return Ok(unreadable(&error)),
        };
        let Some(start) = position(args.offset, whole) else {
            let reason = format!(
                "{} is beyond the end; the output has {}",
                args.offset,
                plural(whole, "byte")
            );
            return Err(invalid_argument(Self::NAME, "offset", &reason));
        };
        let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
        let from_record = usize::try_from(start).ok().and_then(|start| recorded.get(start..));
        let mut bytes = from_record.unwrap_or_default().to_vec();
        bytes.truncate(limit);
        let room = limit - bytes.len();
        let in_file = (start + bytes.len() as u64).saturating_sub(length);
        let part = match self.read_file(call, &id, (in_file, room)).await? {
            Ok(part) => part,
            Err(error) => return Ok(unreadable(&error)),
        };
        let total = length + part.end;
        // Bytes of the file that are no longer kept.
        let skipped = if room > 0 { part.start.saturating_sub(in_file) } else { 0 };
        let excerpt = Excerpt { start, recorded: bytes, skipped, file: part.bytes, total };
        Ok(excerpt.into_output())
    }
}

/// Returns the first byte to read; `None` if it is beyond the end.
fn position(offset: i64, total: u64) -> Option<u64> {
    match u64::try_from(offset) {
        Ok(offset) => (offset <= total).then_some(offset),
        Err(_) => Some(total.saturating_sub(offset.unsigned_abs())),
    }
}

fn unreadable(error: &std::io::Error) -> ToolOutput {
    ToolOutput::failed(format!("cannot read what the background processes print: {error}"))
}

/// A part of an output: the end of the record, and what follows it in the file.
struct Excerpt {
    start: u64,
    recorded: Vec<u8>,
    /// The number of bytes of the file that were discarded in between.
    skipped: u64,
    file: Vec<u8>,
    total: u64,
}

impl Excerpt {
    fn into_output(self) -> ToolOutput {
        let Self { start, recorded, skipped, mut file, total } = self;
        let mut next = start + recorded.len() as u64 + skipped + file.len() as u64;
        let mut recorded = recorded;
        if next < total {
            // A character that is cut is left to the next part, if that does not leave nothing.
            let last = if file.is_empty() { &mut recorded } else { &mut file };
            let whole = without_cut_character(last).len();
            if whole > 0 {
                next -= (last.len() - whole) as u64;
                last.truncate(whole);
            }
        }
        let mut text = String::from_utf8_lossy(&recorded).into_owned();
        if skipped > 0 {
            end_line(&mut text);
            let kept = if skipped == 1 { "is" } else { "are" };
            let skipped = plural(skipped, "byte");
            text.push_str(&format!("[… {skipped} {kept} no longer kept …]\n"));
        }
        text.push_str(&String::from_utf8_lossy(&file));
        end_line(&mut text);
        let rest = match next < total {
            true => format!("the next part has the offset {next}"),
            false => "the end so far".to_owned(),
        };
        text.push_str(&format!("[bytes {start} to {next} of {total}; {rest}]"));
        let part = ReadPart { offset: start, next_offset: next, total };
        ToolOutput::done(text).with_data(json!(part))
    }
}

fn end_line(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}
