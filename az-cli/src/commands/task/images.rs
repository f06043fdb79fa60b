//! Files with images for a task.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use az_core::task::TaskImage;
use az_mcp::builtin::filesystem::image::{LARGEST_IMAGE, image, media_type};

use crate::error::CliError;

/// The most images of a task.
const MOST: usize = 20;
/// The most of all images together, in bytes of base64: the requests of providers have limits.
const LARGEST_TOGETHER: usize = 20_000_000;

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
    let together: usize = images.iter().map(|image| image.content.data.len()).sum();
    if together > LARGEST_TOGETHER {
        return Err(CliError::Usage(format!(
            "--image: the images are too large together; make them smaller, so that they have at most {} \
             bytes",
            LARGEST_TOGETHER / 4 * 3
        )));
    }
    Ok(images)
}

fn read_image(file: &Path) -> Result<TaskImage, CliError> {
    let name = file.display().to_string();
    let refused = |reason: &str| CliError::Usage(format!("--image {name}: {reason}"));
    let bytes = read(file).map_err(|error| refused(&error.to_string()))?;
    if media_type(&bytes).is_none() {
        return Err(refused("not a picture that models take, which is PNG, JPEG, GIF or WebP"));
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
