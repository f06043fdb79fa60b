//! Options whose values are names of a fixed list: help and completions show them, and an unknown one is an
//! error with the nearest of them.

use std::str::FromStr;

use az_core::cost::Period;
use az_core::{Error, TaskPriority, TaskStatus};
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// Returns the parser of a status of tasks.
pub(super) fn status() -> impl TypedValueParser<Value = TaskStatus> {
    one_of(TaskStatus::ALL.iter().map(|status| status.as_str()))
}

/// Returns the parser of a priority of tasks.
pub(super) fn priority() -> impl TypedValueParser<Value = TaskPriority> {
    one_of(TaskPriority::ALL.iter().map(|priority| priority.as_str()))
}

/// Returns the parser of a period of costs.
pub(super) fn period() -> impl TypedValueParser<Value = Period> {
    one_of(Period::ALL.iter().map(|period| period.as_str()))
}

fn one_of<T>(names: impl Iterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = Error> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}
