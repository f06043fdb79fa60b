//! The options that choose log records.

use az_core::TaskId;
use az_core::log::{Level, LogQuery};
use az_core::store::Store;
use az_core::{Clock, clock::SystemClock};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::commands::task::find;
use crate::commands::time_range::TimeRangeArgs;
use crate::error::CliError;
use crate::services::Services;

/// The length of a task's id in full.
const WHOLE_ID: usize = 36;

/// The options that choose log records.
#[derive(Debug, Clone, Args)]
pub(super) struct FilterArgs {
    /// Only records of this level and more severe ones
    #[arg(long, short, value_name = "LEVEL", value_parser = level())]
    level: Option<Level>,
    #[command(flatten)]
    range: TimeRangeArgs,
    /// Only records of this task: its id, or a unique beginning or end of it
    #[arg(long, value_name = "ID")]
    task: Option<String>,
    /// Only records whose message contains this text; the case of ASCII letters does not count
    #[arg(long, short, value_name = "TEXT")]
    grep: Option<String>,
}

impl FilterArgs {
    /// Returns the query of these options.
    ///
    /// # Errors
    ///
    /// A usage error for an invalid time, an unknown task, or the store's.
    pub(super) async fn query(
        &self,
        store: Option<&dyn Store>,
        services: &Services,
    ) -> Result<LogQuery, CliError> {
        let zone = &services.settings().time_zone;
        let (since, until) = self.range.bounds(zone, SystemClock.now())?;
        let task = match (&self.task, store) {
            (Some(typed), Some(store)) => Some(task_of(typed, store).await?),
            (Some(typed), None) => {
                return Err(CliError::UnknownTask { id: typed.clone(), near: Vec::new() });
            }
            (None, _) => None,
        };
        let (level, text) = (self.level, self.grep.clone());
        Ok(LogQuery { level, since, until, task, text, ..LogQuery::default() })
    }

    /// Whether the options say since when.
    pub(super) const fn has_start(&self) -> bool {
        self.range.has_start()
    }
}

/// Returns the id of a task. The records of one that was deleted are found by its id in full.
async fn task_of(typed: &str, store: &dyn Store) -> Result<TaskId, CliError> {
    match find(store, typed).await {
        Ok(task) => Ok(task.id),
        Err(error @ CliError::UnknownTask { .. }) => match TaskId::new(typed.trim()) {
            Ok(id) if id.as_str().len() >= WHOLE_ID => Ok(id),
            _ => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// Returns the parser of levels, which suggests similar ones.
fn level() -> impl TypedValueParser<Value = Level> {
    let names = Level::ALL.iter().map(|level| match level {
        Level::Warn => PossibleValue::new(level.as_str()).alias("warning"),
        level => PossibleValue::new(level.as_str()),
    });
    PossibleValuesParser::new(names.collect::<Vec<_>>()).try_map(|name| match name.as_str() {
        "warning" => Ok(Level::Warn),
        name => name.parse(),
    })
}
