//! Content added to the end of a file: nobody's is lost, and none is added in part.

use std::io::{self, Write};

use az_core::point;

use super::lock::{Held, Patience};
use super::replace::{Place, sync};

/// Adds content to the end of a file, all of it or nothing.
///
/// The file stays the same one, so that whoever has it open sees it grow. While it is held, no
/// other append and no replacement of it by this program comes in between.
pub(super) fn append(place: &Place, content: &[u8], patience: &Patience) -> io::Result<()> {
    let mut held = Held::open(place, patience)?;
    let before = held.file.metadata()?.len();
    point!("fs.append.before_write");
    let mut written = 0;
    let mut add = || {
        write(&mut held.file, content, &mut written)?;
        point!("fs.append.after_write");
        held.file.sync_all()?;
        // An empty file may be new, whoever made it, and its name not durable yet.
        if before == 0 { sync(&place.dir) } else { Ok(()) }
    };
    let added = add();
    added.map_err(|error| undo(&held, place, before, written, error))
}

/// Writes all of the content, and counts what was written when that fails.
fn write(file: &mut impl Write, content: &[u8], written: &mut usize) -> io::Result<()> {
    while let Some(rest) = content.get(*written..).filter(|rest| !rest.is_empty()) {
        match file.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(bytes) => *written += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Puts a file back as it was before an append that failed, and returns why it failed.
fn undo(held: &Held, place: &Place, before: u64, written: usize, error: io::Error) -> io::Error {
    let restored = held.file.metadata().and_then(|now| {
        if now.len() != before + written as u64 {
            // Somebody who does not ask for locks has added to it, and that is not ours to cut off.
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        held.file.set_len(before)?;
        if held.is_new && before == 0 {
            place.dir.remove_file(&place.name)?;
        }
        held.file.sync_all()
    });
    match restored {
        Err(_) if written > 0 => {
            let said = format!("{error}; {written} bytes of the content stand in the file");
            io::Error::new(error.kind(), said)
        }
        Ok(()) | Err(_) => error,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::write;

    /// Takes a few bytes at a time, is interrupted in between, and is full at some point.
    struct Narrow {
        taken: Vec<u8>,
        room: usize,
        calls: u32,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.calls += 1;
            if self.calls.is_multiple_of(2) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let bytes = &bytes[..bytes.len().min(3).min(self.room - self.taken.len())];
            if bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.taken.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_write_in_pieces_is_finished_and_one_that_fails_tells_how_far_it_came() {
        let mut file = Narrow { taken: Vec::new(), room: 9, calls: 0 };
        let mut written = 0;
        write(&mut file, b"sevenof", &mut written).unwrap();
        assert_eq!((file.taken.as_slice(), written), (b"sevenof".as_slice(), 7));
        let mut written = 0;
        let error = write(&mut file, b"nine", &mut written).unwrap_err();
        assert_eq!((error.kind(), written), (io::ErrorKind::StorageFull, 2));
    }
}
