//! Listings: as a table for people, as CSV or JSON for programs.

use serde::Serialize;

use super::columns::{columns_of, cut};
use super::csv::csv;
use super::humanize;
use super::printer::{Format, Printer};
use crate::error::CliError;

/// The number of spaces between two columns.
const GAP: usize = 2;
/// The width down to which columns are narrowed; amounts and short ids fit.
const NARROWEST: usize = 12;
/// The width down to which the first column is narrowed, after the others.
const NARROWEST_NAME: usize = 24;

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

    /// Returns the table as text. In a terminal that is too narrow, the widest columns are cut, and the
    /// first, which names the row, only after the others; lines that are still too long end at its edge.
    pub fn text(&self, terminal: Option<u16>) -> String {
        let header = self.columns.iter().map(|column| Cell::new(column.to_uppercase())).collect();
        let rows = self.rows.iter();
        let rows = rows.map(|row| row.iter().map(|cell| Cell::new(one_line(cell))).collect());
        let rows: Vec<Vec<_>> = std::iter::once(header).chain(rows).collect();
        let mut widths = vec![0; self.columns.len()];
        for row in &rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = cell.width.max(*widest);
            }
        }
        if let Some(columns) = terminal {
            narrow(&mut widths, columns.into());
        }
        let mut text = String::new();
        for row in &rows {
            let line = aligned(row, &widths);
            let line = line.trim_end();
            text.push_str(&terminal.map_or(line.into(), |columns| cut(line, columns.into())));
            text.push('\n');
        }
        text
    }
}

/// The text of a cell, and the number of columns that a terminal shows it in.
struct Cell {
    text: String,
    width: usize,
}

impl Cell {
    fn new(text: String) -> Self {
        Self { width: columns_of(&text), text }
    }
}

/// Narrows columns until a row has at most this many columns of the terminal: first the widest of those
/// behind the first, then the first.
fn narrow(widths: &mut [usize], columns: usize) {
    let gaps = GAP * widths.len().saturating_sub(1);
    let Some((first, rest)) = widths.split_first_mut() else { return };
    let room = columns.saturating_sub(*first + gaps);
    let sum_up_to = |most: usize| rest.iter().map(|width| most.min(*width)).sum::<usize>();
    let widest = rest.iter().copied().max().unwrap_or_default();
    let most = (NARROWEST..=widest).rev().find(|most| sum_up_to(*most) <= room);
    let most = most.unwrap_or(NARROWEST);
    let room = columns.saturating_sub(sum_up_to(most) + gaps);
    *first = room.max(NARROWEST_NAME).min(*first);
    rest.iter_mut().for_each(|width| *width = most.min(*width));
}

/// Returns cells in columns of these widths.
fn aligned(cells: &[Cell], widths: &[usize]) -> String {
    let mut line = String::with_capacity(widths.iter().map(|width| width + GAP).sum());
    for (cell, width) in cells.iter().zip(widths) {
        let text = if cell.width > *width { &cut(&cell.text, *width) } else { cell.text.as_str() };
        line.push_str(text);
        line.extend(std::iter::repeat_n(' ', width.saturating_sub(columns_of(text)) + GAP));
    }
    line
}

/// Returns a cell as one line, with what would move the cursor escaped: a cell is data, which may come
/// from a model or a file.
fn one_line(cell: &str) -> String {
    let Some((first, _)) = cell.split_once('\n') else {
        return humanize::printable(cell);
    };
    humanize::printable(first) + "…"
}

#[cfg(test)]
mod tests {
    use super::Table;

    fn table(cells: &[[&str; 2]]) -> Table {
        let mut table = Table::new(&["name", "what it is"]);
        for row in cells {
            table.row(row.iter().map(ToString::to_string).collect());
        }
        table
    }

    #[test]
    fn columns_are_aligned_whatever_the_width_of_their_characters() {
        let table = table(&[["日本", "wide"], ["e\u{301}", "combining"], ["👩‍🔬", "a sequence"]]);
        let expected = "NAME  WHAT IT IS\n日本  wide\ne\u{301}     combining\n👩‍🔬    a sequence\n";
        assert_eq!(table.text(None), expected);
    }

    #[test]
    fn lines_are_cut_at_the_edge_of_the_terminal() {
        // Some terminals show the scientists in four columns each.
        let table = table(&[["a", "日本語です"], ["👩‍🔬👩‍🔬", "long"]]);
        assert_eq!(table.text(Some(12)), "NAME  WHAT …\na     日本…\n👩‍🔬👩‍🔬  l…\n");
        assert_eq!(table.text(Some(1)), "…\n…\n…\n");
        assert_eq!(table.text(Some(16)).lines().next(), Some("NAME  WHAT IT IS"));
    }

    #[test]
    fn the_widest_columns_behind_the_first_are_narrowed() {
        let mut table = Table::new(&["name", "what it is", "cost"]);
        let row = ["a-name-that-is-kept", "a description that is quite long", "$0.001"];
        table.row(row.map(str::to_owned).to_vec());
        let lines =
            |columns| table.text(Some(columns)).lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines(61)[1], "a-name-that-is-kept  a description that is quite long  $0.001");
        assert_eq!(lines(48)[1], "a-name-that-is-kept  a description that…  $0.001");
        assert_eq!(lines(48)[0], "NAME                 WHAT IT IS           COST");
        // The description has twelve columns, and the line ends at the edge.
        assert_eq!(lines(36)[1], "a-name-that-is-kept  a descripti…  …");
        let mut table = Table::new(&["name", "cost"]);
        table.row(vec!["a name that is so long that it is cut".to_owned(), "$0.001".to_owned()]);
        let line = |columns| table.text(Some(columns)).lines().nth(1).map(str::to_owned);
        assert_eq!(line(38).as_deref(), Some("a name that is so long that i…  $0.001"));
        assert_eq!(line(30).as_deref(), Some("a name that is so long …  $0.…"));
    }

    #[test]
    fn a_cell_is_one_line_that_moves_no_cursor() {
        let table = table(&[["a\nb", "\u{1b}[2J\tx"]]);
        assert_eq!(table.text(None), "NAME  WHAT IT IS\na…    \\u{1b}[2J    x\n");
    }
}
