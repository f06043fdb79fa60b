//! `filesystem.read`: parts of files, pictures, and what a model is shown.

use std::sync::Arc;

use az_core::content::ContentPart;
use az_core::tool::{SeenFile, Toolbox};
use az_mcp::builtin::shell::ShellOptions;
use az_mcp::secrets::KnownSecrets;
use serde_json::{Value, json};

use crate::session::Session;
use crate::support::Bench;

async fn text(bench: &Bench, arguments: Value) -> String {
    bench.run("filesystem.read", arguments).await.text().into_owned()
}

#[tokio::test]
async fn a_part_of_a_file_is_read_by_lines() {
    let bench = Bench::new();
    std::fs::write(bench.at("f"), "one\ntwo\nthree\n").unwrap();
    let part = |offset: u32, limit: u32| json!({"path": "f", "offset": offset, "limit": limit});
    assert_eq!(text(&bench, json!({"path": "f"})).await, "one\ntwo\nthree\n");
    assert_eq!(text(&bench, part(2, 1)).await, "two\n[line 2 of 3; read on with offset 3]");
    assert_eq!(
        text(&bench, json!({"path": "f", "offset": 2})).await,
        "two\nthree\n[lines 2 to 3 of 3]"
    );
    assert_eq!(
        text(&bench, part(4, 1)).await,
        "offset 4 is beyond the end of `f`, which has 3 lines"
    );
    for (name, arguments) in [("offset", part(0, 1)), ("limit", part(1, 0))] {
        let refused = bench.tools.prepare(bench.call("filesystem.read", arguments)).unwrap_err();
        let expected =
            format!("invalid arguments: filesystem.read: arguments.{name}: must be at least 1");
        assert_eq!(refused.to_string(), expected);
    }
}

#[tokio::test]
async fn a_model_is_shown_a_part_of_a_long_file_and_told_how_to_read_on() {
    let mut session = Session::new();
    session.file("lines", "x\n".repeat(3_999));
    session.file("bytes", format!("{}\n", "y".repeat(999)).repeat(100));
    session.file("one", "é".repeat(20_000));
    let shown = session.read("lines").await;
    assert!(shown.ends_with("x\n[lines 1 to 2000 of 3999; read on with offset 2001]"), "{shown}");
    let shown = session.read("bytes").await;
    assert!(shown.ends_with("y\n[lines 1 to 24 of 100; read on with offset 25]"), "{shown}");
    let shown = session.read("one").await;
    let note = "\n[line 1 has 40000 bytes; the first 24000 are shown; line 1 of 1]";
    assert!(shown.ends_with(note), "{shown}");
    // What a person or a program reads is whole.
    let whole = text(&session.bench, json!({"path": "lines"})).await;
    assert_eq!(whole, "x\n".repeat(3_999));
}

#[tokio::test]
async fn a_result_says_what_was_shown_of_the_file() {
    let bench = Bench::new();
    std::fs::create_dir(bench.at("d")).unwrap();
    std::fs::write(bench.at("d/f"), "one\ntwo\n").unwrap();
    std::os::unix::fs::symlink("d/f", bench.at("link")).unwrap();
    let seen = |arguments| {
        let call = bench.tools.call(bench.call("filesystem.read", arguments));
        async { call.await.unwrap().seen.pop().unwrap() }
    };
    let whole = seen(json!({"path": "link"})).await;
    let digest = whole.sha256.clone();
    assert_eq!(digest.len(), 64);
    assert_eq!(whole, SeenFile::new("d/f", &*digest, 8).complete());
    let part = seen(json!({"path": "./d/../d/f", "offset": 2})).await;
    assert_eq!(part, SeenFile::new("d/f", &*digest, 8).with_range(4..8));
}

/// A model with a small window would not see what is cut from the middle of a result.
#[tokio::test]
async fn a_part_is_no_larger_than_what_the_model_is_shown() {
    let bench = Bench::new();
    std::fs::write(bench.at("f"), "0123456\n".repeat(1_000)).unwrap();
    let mut call = bench.call("filesystem.read", json!({"path": "f"}));
    call.seen = Some(Arc::default());
    call.shown_bytes = Some(1_000);
    let output = bench.tools.call(call).await.unwrap();
    let (text, seen) = (output.text().into_owned(), output.seen.first().unwrap());
    assert!(text.len() <= 1_000 && text.ends_with("read on with offset 101]"), "{text}");
    assert_eq!(seen, &SeenFile::new("f", &*seen.sha256, 8_000).with_range(0..800));
}

/// Each page has a part of the key, by which it could not be found.
#[tokio::test]
async fn a_secret_at_the_end_of_a_page_is_masked_on_both() {
    let secrets = KnownSecrets::new(["first-line-of-a-key\nsecond-line-of-a-key"]).unwrap();
    let bench = Bench::with(ShellOptions::default().with_secrets(secrets));
    let content = "begin\nfirst-line-of-a-key\nsecond-line-of-a-key\nend\n";
    std::fs::write(bench.at("f"), content).unwrap();
    let part = |offset: u32, limit: u32| json!({"path": "f", "offset": offset, "limit": limit});
    for (arguments, shown) in [
        (part(1, 2), "begin\n[redacted]\n[lines 1 to 2 of 4; read on with offset 3]"),
        (part(3, 2), "[redacted]\nend\n[lines 3 to 4 of 4]"),
        (part(4, 1), "end\n[line 4 of 4]"),
    ] {
        let call = bench.call("filesystem.read", arguments);
        let output = bench.tools.call(call).await.unwrap();
        assert_eq!(output.text(), shown);
        let is_masked = shown.contains("[redacted]");
        assert_eq!(output.seen.first().unwrap().ranges.is_empty(), is_masked, "{shown}");
    }
}

/// The beginning of a picture of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01";

#[tokio::test]
async fn a_picture_is_shown_unless_an_encoding_is_named() {
    let bench = Bench::new();
    for (name, magic, media_type) in [
        ("a.png", PNG, "image/png"),
        ("a.jpg", b"\xff\xd8\xff\xc0\0\x0b\x08\0\x01\0\x01", "image/jpeg"),
        ("a.gif", b"GIF89a\x01\0\x01\0", "image/gif"),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\0\0\0\0", "image/webp"),
    ] {
        std::fs::write(bench.at(name), magic).unwrap();
        let output = bench.run("filesystem.read", json!({"path": name})).await;
        let [ContentPart::Text { text }, ContentPart::Image(image)] = &*output.content else {
            panic!("{output:?}");
        };
        assert_eq!(*text, format!("`{name}`: {media_type}, {} bytes", magic.len()));
        assert_eq!((&*image.mime_type, image.bytes()), (media_type, magic.len()));
    }
    let base64 = text(&bench, json!({"path": "a.gif", "encoding": "base64"})).await;
    assert_eq!(base64, "R0lGODlhAQABAA==");
    let mut large = PNG.to_vec();
    large.resize(3_750_001, 0);
    std::fs::write(bench.at("large.png"), large).unwrap();
    assert_eq!(
        text(&bench, json!({"path": "large.png"})).await,
        "`large.png` is a picture of 3750001 bytes, and models accept at most 3750000; scale it down, or \
         read it with the encoding `base64`"
    );
}
