//! The headers of picture files.

/// Returns the media type of a picture that models take, by its first bytes; `None` for anything else, and for a
/// picture whose header has no width and height.
pub fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let (media_type, size) = match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', chunk @ ..] => {
            ("image/png", png(chunk))
        }
        [0xff, 0xd8, segments @ ..] => ("image/jpeg", jpeg(segments)),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', screen @ ..] => ("image/gif", gif(screen)),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', chunk @ ..] => {
            ("image/webp", webp(chunk))
        }
        _ => return None,
    };
    size.filter(|(width, height)| *width > 0 && *height > 0).map(|_| media_type)
}

/// A width and a height.
type Size = (u32, u32);

/// Returns the size in the first chunk, which is always `IHDR`.
fn png(chunk: &[u8]) -> Option<Size> {
    let size = chunk.strip_prefix(b"\0\0\0\rIHDR")?;
    let number = |at| Some(u32::from_be_bytes(bytes_at(size, at)?));
    Some((number(0)?, number(4)?))
}

/// Returns the size of the logical screen.
fn gif(screen: &[u8]) -> Option<Size> {
    let number = |at| Some(u32::from(u16::from_le_bytes(bytes_at(screen, at)?)));
    Some((number(0)?, number(2)?))
}

/// Returns the size in the first chunk, whose format depends on its name. The name and the length of the chunk are 8
/// bytes.
fn webp(chunk: &[u8]) -> Option<Size> {
    let (name, content) = (bytes_at::<4>(chunk, 0)?, chunk.get(8..)?);
    match &name {
        b"VP8X" => {
            let less_one = |at| {
                let [low, middle, high] = bytes_at(content, at)?;
                Some(u32::from_le_bytes([low, middle, high, 0]))
            };
            Some((less_one(4)? + 1, less_one(7)? + 1))
        }
        b"VP8L" => {
            let bits = u32::from_le_bytes(bytes_at(content.strip_prefix(&[0x2f])?, 0)?);
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8 " => {
            let size = content.get(3..)?.strip_prefix(&[0x9d, 0x01, 0x2a])?;
            // The two highest bits are a scale.
            let number = |at| Some(u32::from(u16::from_le_bytes(bytes_at(size, at)?) & 0x3fff));
            Some((number(0)?, number(2)?))
        }
        _ => None,
    }
}

/// Returns the size in the header of the frame, which is after segments with other data.
fn jpeg(mut segments: &[u8]) -> Option<Size> {
    loop {
        let [0xff, marker, rest @ ..] = segments else { return None };
        segments = match marker {
            // A byte before a marker may be repeated.
            0xff => segments.get(1..)?,
            // Markers without a segment.
            0x01 | 0xd0..=0xd7 => rest,
            0xc4 | 0xc8 | 0xcc => after_segment(rest)?,
            0xc0..=0xcf => {
                let number = |at| Some(u32::from(u16::from_be_bytes(bytes_at(rest, at)?)));
                return Some((number(5)?, number(3)?));
            }
            // The data of the picture begins, or it ends.
            0xd8..=0xda => return None,
            _ => after_segment(rest)?,
        };
    }
}

/// Returns what follows a segment, which begins with its length.
fn after_segment(segment: &[u8]) -> Option<&[u8]> {
    segment.get(usize::from(u16::from_be_bytes(bytes_at(segment, 0)?).max(2))..)
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::media_type;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x01";
    const GIF: &[u8] = b"GIF89a\x02\0\x01\0";
    const EXTENDED: &[u8] = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x01\0\0\0\0\0";
    const LOSSLESS: &[u8] = b"RIFF\0\0\0\0WEBPVP8L\x05\0\0\0\x2f\x01\0\0\0";
    const LOSSY: &[u8] = b"RIFF\0\0\0\0WEBPVP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\x02\0\x01\0";
    /// A segment of an application, a table, a byte that is repeated, and the frame.
    const JPEG: &[u8] =
        b"\xff\xd8\xff\xe0\0\x04ab\xff\xc4\0\x03x\xff\xff\xc2\0\x0b\x08\0\x01\0\x02";

    #[test]
    fn a_picture_is_known_by_its_header_with_its_size() {
        for (bytes, expected) in [
            (PNG, "image/png"),
            (GIF, "image/gif"),
            (EXTENDED, "image/webp"),
            (LOSSLESS, "image/webp"),
            (LOSSY, "image/webp"),
            (JPEG, "image/jpeg"),
        ] {
            assert_eq!(media_type(bytes), Some(expected), "{bytes:?}");
            assert_eq!(media_type(&[bytes, b"more"].concat()), Some(expected), "{bytes:?}");
            for end in 0..bytes.len() {
                assert_eq!(media_type(&bytes[..end]), None, "{:?}", &bytes[..end]);
            }
        }
    }

    #[test]
    fn a_header_without_a_size_is_none_of_a_picture() {
        for bytes in [
            &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\x01"[..],
            b"\x89PNG\r\n\x1a\n\0\0\0\rIDAT\0\0\0\x02\0\0\0\x01",
            b"GIF89a\x02\0\0\0",
            b"GIF88a\x02\0\x01\0",
            b"RIFF\0\0\0\0WEBPVP9 \x0a\0\0\0\0\0\0\x9d\x01\x2a\x02\0\x01\0",
            b"\xff\xd8\xff\xda\0\x02\xff\xc0\0\x0b\x08\0\x01\0\x02",
            b"\xff\xd8\xff\xe0\0\0\0\x01\0\x02",
            b"a text",
        ] {
            assert_eq!(media_type(bytes), None, "{bytes:?}");
        }
    }
}
