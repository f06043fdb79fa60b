//! The input of a task, from standard input.

use std::io::{self, Read};
use std::os::fd::AsFd;

use az_core::blocking;
use az_core::task::LARGEST_COMMAND;
use az_core::text::plural;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};

use crate::error::CliError;
use crate::output::Printer;

/// The largest input in bytes; the rest is left out. Larger input belongs in a file that the task
/// names.
const LARGEST_INPUT: usize = 256 << 10;

/// How long a pipe may take to have data, unless the input is asked for.
const WAIT: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Whether the command line asks for input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// With `-` after the task: the input is read to its end, however long that takes.
    Explicitly,
    /// Input counts if standard input is a file, or a pipe that has data within a second, so that
    /// nothing hangs where standard input is open and unused.
    No,
}

/// Returns the text that words of the command line make, and the input for it: `-` alone reads the text from
/// standard input, `-` after the text reads the input.
///
/// # Errors
///
/// A usage error for a text that is too long, for what is not UTF-8, or that standard input cannot be read.
pub(super) async fn read_words(
    words: &[String],
    printer: &Printer,
) -> Result<(String, Option<String>), CliError> {
    let (text, asked) = match words {
        [only] if only == "-" => return Ok((blocking::run(read_command).await??, None)),
        [words @ .., last] if last == "-" => (words.join(" "), Asked::Explicitly),
        words => (words.join(" "), Asked::No),
    };
    Ok((text, read_input(asked, printer).await?))
}

/// Reads a command from standard input, and no more than one byte above the limit.
fn read_command() -> Result<String, CliError> {
    let limit = LARGEST_COMMAND;
    let read = read_at_most(io::stdin().lock(), limit);
    let (bytes, is_cut) = read.map_err(|source| CliError::Io {
        what: "reading the task from standard input".to_owned(),
        source,
    })?;
    if is_cut {
        return Err(CliError::Usage(format!(
            "the task is longer than {limit} bytes; put large input into a file and name the file"
        )));
    }
    text(bytes, false)
        .map(|text| text.trim_end().to_owned())
        .ok_or_else(|| CliError::Usage("the task on standard input is not UTF-8".to_owned()))
}

/// Reads the input, and prints how much of it there is.
///
/// # Errors
///
/// A usage error for input that is not UTF-8, or that it cannot be read.
async fn read_input(asked: Asked, printer: &Printer) -> Result<Option<String>, CliError> {
    let read = blocking::run(move || match asked == Asked::No && !has_data()? {
        true => Ok(None),
        false => read_at_most(io::stdin().lock(), LARGEST_INPUT).map(Some),
    });
    let read = read.await?;
    let read = read.map_err(|source| CliError::Io {
        what: "reading the input from standard input".to_owned(),
        source,
    })?;
    let Some((bytes, is_cut)) = read else { return Ok(None) };
    let text = text(bytes, is_cut).ok_or_else(|| {
        CliError::Usage(
            "the input on standard input is not UTF-8 text; put it into a file and name the file, or \
             close standard input with `< /dev/null`"
                .to_owned(),
        )
    })?;
    if text.is_empty() && asked == Asked::No {
        return Ok(None);
    }
    let bytes = text.len();
    printer.say(&match is_cut {
        false => format!("input: {} from standard input", plural(bytes, "byte")),
        true => format!(
            "input: the first {bytes} bytes from standard input; the rest is left out, put it into a \
             file and name the file"
        ),
    });
    Ok(Some(text))
}

/// Returns whether standard input is a file, or a pipe or socket that has data within a second.
fn has_data() -> io::Result<bool> {
    let stdin = io::stdin();
    let Ok(status) = fstat(stdin.as_fd()) else { return Ok(false) };
    match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => Ok(true),
        FileType::Fifo | FileType::Socket => {
            let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
            poll(&mut polled, Some(&WAIT))?;
            Ok(polled.iter().any(|fd| fd.revents().contains(PollFlags::IN)))
        }
        _ => Ok(false),
    }
}

/// Reads up to `limit` bytes; returns whether there are more.
fn read_at_most(from: impl Read, limit: usize) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    let is_cut = bytes.len() > limit;
    bytes.truncate(limit);
    Ok((bytes, is_cut))
}

/// Returns the text; a character that was cut at the end is left out.
fn text(bytes: Vec<u8>, is_cut: bool) -> Option<String> {
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let end = error.utf8_error();
            let mut bytes = error.into_bytes();
            let is_cut_character = is_cut && end.error_len().is_none();
            bytes.truncate(end.valid_up_to());
            if is_cut_character { String::from_utf8(bytes).ok() } else { None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{read_at_most, text};

    #[test]
    fn input_is_cut_at_the_limit_between_two_characters() {
        assert_eq!(read_at_most(&b"abc"[..], 3).unwrap(), (b"abc".to_vec(), false));
        let (bytes, is_cut) = read_at_most("abü".as_bytes(), 3).unwrap();
        assert!(is_cut);
        assert_eq!(text(bytes, is_cut).as_deref(), Some("ab"));
    }

    #[test]
    fn input_that_is_not_utf8_is_no_text() {
        assert_eq!(text(b"a\xffb".to_vec(), true), None);
        // The input itself ends within a character.
        assert_eq!(text(b"a\xc3".to_vec(), false), None);
    }
}
