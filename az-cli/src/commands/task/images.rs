//! Files with images for a task.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use az_core::task::{TaskImage, TaskOptions};
use az_core::text::plural;
use az_mcp::builtin::filesystem::image::{LARGEST_IMAGE, image, media_type};

use crate::error::CliError;

/// The most images of a task.
const MOST: usize = 20;
/// The most of all images together, in bytes of base64: the requests of providers have limits.
const LARGEST_TOGETHER: usize = 20_000_000;
/// The same, in bytes of files.
const LARGEST_BYTES: usize = LARGEST_TOGETHER / 4 * 3;

/// Reads the images of `--image`. This blocks.
///
/// # Errors
///
/// A usage error for a file that cannot be read, is no image that models take, or is too large, and for too
/// many images.
pub(super) fn read_images(files: &[PathBuf]) -> Result<Vec<TaskImage>, CliError> {
    if files.len() > MOST {
        let count = files.len();
        return Err(CliError::Usage(format!(
            "--image: {count} images, at most {MOST} are allowed"
        )));
    }
    let images = files.iter().map(|file| read_image(file)).collect::<Result<Vec<_>, _>>()?;
    if together(&images) > LARGEST_TOGETHER {
        return Err(CliError::Usage(format!(
            "--image: the images are too large together; make them smaller, so that they have at most \
             {LARGEST_BYTES} bytes"
        )));
    }
    Ok(images)
}

/// Checks the images of a task together with those of the conversation that it continues.
///
/// # Errors
///
/// A usage error if they are too many, or too large.
pub(super) fn check_images(options: &TaskOptions) -> Result<(), CliError> {
    let all = options.all_images().count();
    let is_too_much = all > MOST || together(options.all_images()) > LARGEST_TOGETHER;
    if options.images.is_empty() || !is_too_much {
        return Ok(());
    }
    let earlier = plural(all.saturating_sub(options.images.len()), "image");
    Err(CliError::Usage(format!(
        "--image: the conversation has {earlier} already, and may have at most {MOST}, with {LARGEST_BYTES} \
         bytes together; leave some out, or run a new task without --continue"
    )))
}

/// Returns the bytes of images in base64.
fn together<'a>(images: impl IntoIterator<Item = &'a TaskImage>) -> usize {
    images.into_iter().map(|image| image.content.data.len()).sum()
}

fn read_image(file: &Path) -> Result<TaskImage, CliError> {
    let name = file.display().to_string();
    let refused = |reason: &str| CliError::Usage(format!("--image {name}: {reason}"));
    let bytes = read(file).map_err(|error| refused(&error.to_string()))?;
    if media_type(&bytes).is_none() {
        return Err(refused(
            "not a picture that models take, which is PNG, JPEG, GIF or WebP with its whole header",
        ));
    }
    let content = image(&bytes).ok_or_else(|| {
        refused(&format!("larger than {LARGEST_IMAGE} bytes, which is the most; make it smaller"))
    })?;
    Ok(TaskImage::new(name, content))
}

/// Reads a file, and no more than one byte above the limit.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Reading a pipe would block.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_IMAGE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
