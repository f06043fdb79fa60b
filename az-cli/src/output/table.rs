//! Listings, as a table for people, as CSV or JSON for programs.

use std::borrow::Cow;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Width, presets};
use serde::Serialize;

use super::humanize;
use super::printer::{Format, Printer};
use crate::error::CliError;

/// A listing with the columns that people see; programs get the rows as they are.
#[derive(Debug)]
pub struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Returns a table without rows.
    pub fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Whether there are no rows.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Prints the table, or `records` for programs: JSON is an array of them, CSV their fields.
    ///
    /// # Errors
    ///
    /// When the output cannot be written.
    pub fn print<T: Serialize>(
        &self,
        records: &[T],
        format: Format,
        printer: &Printer,
    ) -> Result<(), CliError> {
        match format {
            Format::Table => printer.out(&self.text(printer.width())),
            Format::Json => printer.json(&records),
            Format::Csv => printer.out(&csv(records)?),
        }
    }

    /// Returns the table as people see it, for a terminal of this width.
    pub fn text(&self, width: Option<u16>) -> String {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header(self.columns.iter().map(|c| c.to_uppercase()));
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| clean(cell)));
        }
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        let last = self.columns.len().saturating_sub(1);
        for (i, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if i == last {
                // The last column is the one that may be long: it gets the rest of the line.
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(10)));
            } else {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            column.set_cell_alignment(CellAlignment::Left);
        }
        for row in table.row_iter_mut() {
            row.max_height(1);
        }
        let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.join("\n") + "\n"
    }
}

/// Takes out what would move the cursor: a cell is data, and may come from anybody.
fn clean(cell: &str) -> Cow<'_, str> {
    match humanize::printable(cell) {
        shown if shown == cell => Cow::Borrowed(cell),
        shown => Cow::Owned(shown),
    }
}

/// Returns records as comma-separated values with a header.
///
/// # Errors
///
/// When a record is not flat.
pub fn csv<T: Serialize>(records: impl IntoIterator<Item = T>) -> Result<String, CliError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| CliError::Io {
        what: "writing CSV".to_owned(),
        source: std::io::Error::other(error),
    };
    for record in records {
        writer.serialize(record).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|e| failed(e.into_error().into()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
