//! What a write does not keep of the old file, for the model.

use std::io::{self, Read};
use std::os::fd::AsFd;

use cap_std::fs::{File, MetadataExt as _};
use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
use rustix::io::Errno;

use super::marks;

/// The part of the old file that is looked at, in bytes.
const LOOKED_AT: u64 = 64 << 10;
/// The largest attribute that is copied, in bytes; the kernel's limit.
const LARGEST_ATTRIBUTE: usize = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Returns notes about line ends and a byte order mark that the content does not have, and the old
/// file does. `is_append` is whether the content is added to the old one.
pub(super) fn of_text(old: &mut File, content: &[u8], is_append: bool) -> io::Result<Vec<String>> {
    let mut head = Vec::new();
    old.take(LOOKED_AT).read_to_end(&mut head)?;
    let mut notes = Vec::new();
    let has_crlf = |bytes: &[u8]| bytes.windows(2).any(|pair| pair == b"\r\n");
    if has_crlf(&head) && content.contains(&b'\n') && !has_crlf(content) {
        let rest = if is_append { "the file has" } else { "the file had" };
        notes.push(format!("{rest} CRLF line ends, and the content has LF"));
    }
    let mark = head.starts_with(BYTE_ORDER_MARK);
    if !is_append && mark && !content.starts_with(BYTE_ORDER_MARK) {
        notes.push("the file began with a byte order mark, and the content does not".to_owned());
    }
    Ok(notes)
}

/// Returns a note if a file has other names, which keep the old content when one is replaced.
pub(super) fn of_links(old: &File) -> io::Result<Option<String>> {
    Ok(match old.metadata()?.nlink() {
        0 | 1 => None,
        2 => Some("another hard link of the file keeps the old content".to_owned()),
        links => Some(format!("{} other hard links of the file keep the old content", links - 1)),
    })
}

/// Copies the extended attributes of a file; returns notes about those that cannot be copied.
///
/// Attributes of the security modules are set by the system, and the marks of appends belong to the
/// old content.
pub(super) fn copy_attributes(old: &File, new: &File) -> Vec<String> {
    let mut names = vec![0; LARGEST_ATTRIBUTE];
    let length = flistxattr(old.as_fd(), names.as_mut_slice()).unwrap_or(0);
    names.truncate(length);
    let names = names.split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok());
    let is_copied =
        |name: &&str| !name.is_empty() && !name.starts_with("security.") && *name != marks::NAME;
    let copied = names.filter(is_copied).map(|name| (name, copy(old, new, name)));
    let failed = copied.filter_map(|(name, result)| Some((name, result.err()?)));
    failed
        .map(|(name, error)| {
            let error = io::Error::from(error);
            format!("the extended attribute {name} was not kept: {error}")
        })
        .collect()
}

fn copy(old: &File, new: &File, name: &str) -> Result<(), Errno> {
    let mut value = vec![0; LARGEST_ATTRIBUTE];
    let length = fgetxattr(old.as_fd(), name, value.as_mut_slice())?;
    value.truncate(length);
    fsetxattr(new.as_fd(), name, &value, XattrFlags::empty())
}
