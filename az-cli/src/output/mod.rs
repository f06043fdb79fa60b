//! What a person, or a program that reads us, gets to see.

mod approver;
mod bar;
mod events;
mod humanize;
mod live;
mod printer;
mod story;
mod style;
mod table;

pub use approver::TerminalApprover;
pub use bar::bar;
pub use events::Lines;
pub use humanize::{age, amount, duration, plural, printable, ran_for, task_cost};
pub use live::Live;
pub use printer::{Format, FormatArgs, Printer};
pub use story::{call_in_words, short};
pub use style::Style;
pub use table::{Table, csv};
