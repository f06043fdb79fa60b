//! Lays out text in lines and paragraphs.

/// Collects text, in which white space is collapsed and paragraphs are apart by an empty line.
#[derive(Debug, Default)]
pub(super) struct Writer {
    text: String,
    /// The line ends that precede the next word.
    line_ends: usize,
    /// Whether a space precedes the next word.
    spaced: bool,
    /// What begins the next line, such as `- `.
    lead: String,
}

impl Writer {
    /// Adds text, with white space collapsed.
    pub(super) fn add(&mut self, text: &str) {
        let mut words = text.split_ascii_whitespace().peekable();
        self.spaced |= text.starts_with(|c: char| c.is_ascii_whitespace());
        while let Some(word) = words.next() {
            self.begin();
            self.text.push_str(word);
            self.spaced = words.peek().is_some();
        }
        self.spaced |= text.ends_with(|c: char| c.is_ascii_whitespace());
    }

    /// Adds text as it is.
    pub(super) fn add_exactly(&mut self, text: &str) {
        if !text.is_empty() {
            self.spaced = false;
            self.begin();
            self.text.push_str(text);
        }
    }

    /// Ends the line: with 2, also the paragraph.
    pub(super) fn end_line(&mut self, line_ends: usize) {
        self.line_ends = self.line_ends.max(line_ends);
    }

    /// Begins the next line with a text.
    pub(super) fn lead(&mut self, lead: &str) {
        lead.clone_into(&mut self.lead);
    }

    /// Whether the current line has text.
    pub(super) fn is_in_line(&self) -> bool {
        self.line_ends == 0 && !self.text.is_empty()
    }

    fn begin(&mut self) {
        if self.text.is_empty() {
            self.line_ends = 0;
        }
        match self.line_ends {
            0 if self.spaced && !self.text.is_empty() => self.text.push(' '),
            line_ends => {
                // Preformatted text may end in many.
                let last = self.text.bytes().rev().take(line_ends);
                let made = last.take_while(|byte| *byte == b'\n').count();
                let missing = line_ends.saturating_sub(made);
                self.text.extend(std::iter::repeat_n('\n', missing));
            }
        }
        (self.line_ends, self.spaced) = (0, false);
        self.text.push_str(&std::mem::take(&mut self.lead));
    }

    /// Returns the length of the text so far, in bytes.
    pub(super) const fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}
