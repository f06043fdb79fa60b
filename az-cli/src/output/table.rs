//! Listings: as a table for people, as CSV or JSON for programs.

use std::borrow::Cow;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Width, presets};
use serde::Serialize;

use super::csv::csv;
use super::humanize;
use super::printer::{Format, Printer};
use crate::error::CliError;

/// A listing with the columns that people see; programs get its views.
#[derive(Debug)]
pub struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates a table without rows.
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

    /// Prints the table, or its views for programs: JSON is an array of them, CSV their fields.
    ///
    /// # Errors
    ///
    /// When the output cannot be written.
    pub fn print<T: Serialize>(
        &self,
        views: &[T],
        format: Format,
        printer: &Printer,
    ) -> Result<(), CliError> {
        match format {
            Format::Table => printer.out(&self.text(printer.width())),
            Format::Json => printer.json(&views),
            Format::Csv => printer.out(&csv(views)?),
        }
    }

    /// Returns the table as text for a terminal of this width.
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

/// Escapes what would move the cursor: a cell is data, which may come from a model or a file.
fn clean(cell: &str) -> Cow<'_, str> {
    match humanize::printable(cell) {
        shown if shown == cell => Cow::Borrowed(cell),
        shown => Cow::Owned(shown),
    }
}
