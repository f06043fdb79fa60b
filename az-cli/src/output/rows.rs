//! Draws around the row where a person types a hint.
//!
//! The terminal's driver echoes what is typed at the cursor, and passes a line on when it is complete; until
//! then, only the driver knows the text. The mode of the terminal is not changed, so that it is as before
//! however the process ends. What is drawn here therefore leaves the row and the cursor as they are: the
//! progress is in the row below, and lines are inserted above. A sequence is one write without line feeds and
//! carriage returns, at which the driver may echo what is typed in between.

use super::columns::columns_of;

/// What the row begins with.
pub(super) const HINT: &str = "hint> ";

/// Draws the progress in the rows below the cursor.
///
/// What is right of the cursor is erased: a long text that is typed continues in the first of these rows.
pub(super) fn below(progress: &[String]) -> String {
    // Rows down and up again: in the last row of the screen this scrolls, which moves the row of the cursor.
    let rows = progress.len().max(1);
    let room = "\x1bD".repeat(rows);
    let drawn = progress.join("\x1b[B\x1b[G");
    format!("\x1b[K{room}\x1b[{rows}A\x1b7\x1b[B\x1b[G\x1b[J{drawn}\x1b8")
}

/// Draws the progress in the row of the cursor and those below it, and leaves the cursor at its beginning.
pub(super) fn here(progress: &[String]) -> String {
    let drawn = progress.join("\r\n");
    match progress.len() {
        0 | 1 => format!("\r\x1b[J{drawn}"),
        rows => format!("\r\x1b[J{drawn}\x1b[{}A\r", rows - 1),
    }
}

/// Inserts a line that takes this many rows above the row of the cursor.
pub(super) fn above(line: &str, rows: usize) -> String {
    // Rows for the line and the progress are made at the end of the screen first, so that none is pushed out.
    let room = "\x1bD".repeat(rows + 1);
    format!("{room}\x1b[A\x1b7\x1b[{rows}A\x1b[{rows}L\x1b[G{line}\x1b8")
}

/// Returns the number of rows that a line takes on a terminal with so many columns. Its colours take none.
pub(super) fn rows_of(line: &str, columns: usize) -> usize {
    let mut parts = line.split("\x1b[");
    let first = columns_of(parts.next().unwrap_or_default());
    let others = parts.map(|part| part.split_once('m').map_or(0, |(_, text)| columns_of(text)));
    (first + others.sum::<usize>()).div_ceil(columns.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::{HINT, above, below, here, rows_of};

    /// A terminal of a few rows, with the sequences that are used here.
    struct Terminal {
        rows: Vec<Vec<char>>,
        columns: usize,
        at: (usize, usize),
        saved: (usize, usize),
        scrolled: Vec<String>,
    }

    impl Terminal {
        fn new(rows: usize, columns: usize) -> Self {
            let rows = vec![vec![' '; columns]; rows];
            Self { rows, columns, at: (0, 0), saved: (0, 0), scrolled: Vec::new() }
        }

        /// Prints a text as a terminal does, with the driver's carriage return at a line feed.
        fn print(&mut self, text: &str) -> &mut Self {
            let mut rest = text;
            while let Some(c) = rest.chars().next() {
                rest = &rest[c.len_utf8()..];
                match c {
                    '\x1b' => rest = self.escape(rest),
                    '\n' => {
                        self.at.1 = 0;
                        self.down();
                    }
                    '\r' => self.at.1 = 0,
                    c => self.put(c),
                }
            }
            self
        }

        fn put(&mut self, c: char) {
            if self.at.1 == self.columns {
                self.at.1 = 0;
                self.down();
            }
            self.rows[self.at.0][self.at.1] = c;
            self.at.1 += 1;
        }

        /// Index: a row down, and at the end of the screen a scroll.
        fn down(&mut self) {
            if self.at.0 + 1 < self.rows.len() {
                self.at.0 += 1;
                return;
            }
            let first = self.rows.remove(0);
            self.scrolled.push(first.into_iter().collect::<String>().trim_end().to_owned());
            self.rows.push(vec![' '; self.columns]);
        }

        fn escape<'a>(&mut self, rest: &'a str) -> &'a str {
            let Some(rest) = rest.strip_prefix('[') else {
                match rest.as_bytes()[0] {
                    b'7' => self.saved = self.at,
                    b'8' => self.at = self.saved,
                    b'D' => self.down(),
                    other => panic!("ESC {}", char::from(other)),
                }
                return &rest[1..];
            };
            let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
            let count = rest[..end].parse().unwrap_or(1);
            let (row, column) = self.at;
            match rest.as_bytes()[end] {
                b'A' => self.at.0 = row.saturating_sub(count),
                b'B' => self.at.0 = (row + count).min(self.rows.len() - 1),
                b'G' => self.at.1 = 0,
                b'm' => {}
                b'K' => self.rows[row][column.min(self.columns - 1)..].fill(' '),
                b'J' => {
                    self.rows[row][column..].fill(' ');
                    self.rows[row + 1..].iter_mut().for_each(|row| row.fill(' '));
                }
                b'L' => {
                    for _ in 0..count {
                        self.rows.insert(row, vec![' '; self.columns]);
                        self.rows.pop();
                    }
                    self.at.1 = 0;
                }
                other => panic!("CSI {}", char::from(other)),
            }
            &rest[end + 1..]
        }

        /// Returns all rows that are not blank, with those that have scrolled away.
        fn shown(&self) -> Vec<String> {
            let rows = self.rows.iter().map(|row| row.iter().collect::<String>());
            let rows = rows.map(|row| row.trim_end().to_owned());
            self.scrolled.iter().cloned().chain(rows).filter(|row| !row.is_empty()).collect()
        }
    }

    #[test]
    fn lines_and_progress_are_drawn_around_what_is_typed() {
        // At the top of the screen, and at its end, where everything scrolls.
        for rows in [12, 4] {
            let mut terminal = Terminal::new(rows, 30);
            terminal.print("▶ task\n").print(HINT).print(&below(&["⠋ step 1".to_owned()]));
            terminal.print("use ").print(&below(&["⠙ step 1 · called".to_owned()])).print("the f");
            terminal.print(&above("  ✓ filesystem.read", 1)).print("iles");
            terminal.print(&above("  a thought of two rows, which is longer than one", 2));
            terminal.print(&below(&["⠹ step 2".to_owned()]));
            let expected = [
                "▶ task",
                "  ✓ filesystem.read",
                "  a thought of two rows, which",
                " is longer than one",
                "hint> use the files",
                "⠹ step 2",
            ];
            assert_eq!(terminal.shown(), expected, "{rows} rows");
            // The driver echoes the end of the line; the next row for hints is that of the progress.
            terminal
                .print("\n")
                .print(&format!("\r\x1b[J{HINT}"))
                .print(&below(&["⠸ step 2".to_owned()]));
            assert_eq!(terminal.shown()[4..], ["hint> use the files", "hint>", "⠸ step 2"]);
        }
    }

    #[test]
    fn several_rows_of_progress_are_drawn_over_and_erased() {
        let rows = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        for height in [12, 5] {
            let mut terminal = Terminal::new(height, 30);
            terminal.print("▶ task\n").print(HINT).print(&below(&rows(&["⠋ cargo", "one", "two"])));
            terminal.print("use ").print(&below(&rows(&["⠙ cargo", "two", "three"])));
            let expected = ["▶ task", "hint> use", "⠙ cargo", "two", "three"];
            assert_eq!(terminal.shown(), expected, "{height} rows");
            terminal.print(&above("  ✓ read", 1)).print("it").print(&below(&rows(&["⠹ step 2"])));
            let expected = ["▶ task", "  ✓ read", "hint> use it", "⠹ step 2"];
            assert_eq!(terminal.shown(), expected, "{height} rows");

            let mut terminal = Terminal::new(height, 30);
            terminal.print("▶ task\n\n\n\n").print(&here(&rows(&["⠋ cargo", "one", "two"])));
            terminal.print(&here(&rows(&["⠙ cargo", "two", "three"])));
            assert_eq!(terminal.shown(), ["▶ task", "⠙ cargo", "two", "three"], "{height} rows");
            terminal.print("\r\x1b[J").print("  ✓ cargo\n").print(&here(&rows(&["⠹ step 2"])));
            assert_eq!(terminal.shown(), ["▶ task", "  ✓ cargo", "⠹ step 2"], "{height} rows");
        }
    }

    #[test]
    fn a_text_that_is_typed_over_several_rows_stays_whole() {
        for rows in [12, 4] {
            let mut terminal = Terminal::new(rows, 20);
            terminal.print(HINT).print(&below(&["⠋ step 1 · a model".to_owned()]));
            for word in ["use only ", "the files ", "in the ", "folder src"] {
                terminal.print(word).print(&below(&["⠙ step 1 · a model".to_owned()]));
            }
            let expected =
                ["hint> use only the f", "iles in the folder s", "rc", "⠙ step 1 · a model"];
            assert_eq!(terminal.shown(), expected, "{rows} rows");
        }
    }

    #[test]
    fn rows_are_counted_without_colours() {
        assert_eq!(rows_of("", 10), 1);
        assert_eq!(rows_of("0123456789", 10), 1);
        assert_eq!(rows_of("\x1b[32m✓\x1b[0m 234567890\x1b[2m\x1b[0m", 10), 2);
        assert_eq!(rows_of("日本語日本語", 6), 2);
        assert_eq!(rows_of("text", 0), 4);
    }
}
