//! Images for a task: they are stored with it, and the model gets them with the command.

use std::fs;

use serde_json::{Value, json};

use crate::server::{Request, not_found, says, serve};
use crate::support::Az;

/// The beginnings of pictures of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01";
const GIF: &[u8] = b"GIF89a\x01\0\x01\0";

/// Returns a machine with two pictures and a model that answers; returns the requests, too.
fn with_model() -> (Az, impl Fn() -> Vec<Value>) {
    let (address, requests) = serve(|request: &Request| match request.line.starts_with("GET ") {
        true => not_found(),
        false => says("a cat"),
    });
    let az = Az::new().with_var("OPENAI_BASE_URL", address);
    fs::write(az.work().join("cat.png"), PNG).unwrap();
    fs::write(az.work().join("dog.gif"), GIF).unwrap();
    let bodies = move || {
        let requests = requests.lock().unwrap();
        let calls = requests.iter().filter(|request| request.line.starts_with("POST "));
        calls.map(|request| request.body.clone()).collect()
    };
    (az, bodies)
}

const GIF_URL: &str = "data:image/gif;base64,R0lGODlhAQABAA==";

const TASK: [&str; 5] = ["task", "run", "what is it?", "--model", "openai/m"];

#[test]
fn the_model_gets_the_images_with_the_command_and_their_names() {
    let (az, requests) = with_model();
    az.ok(&[&TASK[..], &["--image", "cat.png", "--image", "dog.gif"]].concat());
    let content = &requests()[0]["messages"][1]["content"];
    let text = "what is it?\n\n[The images, in this order: cat.png, dog.gif]";
    let url = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let expected = json!([
        {"type": "text", "text": text},
        url("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB"),
        url(GIF_URL),
    ]);
    assert_eq!(*content, expected);
    let id = az.only_id();
    let images = json!([
        {"name": "cat.png", "mime_type": "image/png", "bytes": 24},
        {"name": "dog.gif", "mime_type": "image/gif", "bytes": 10},
    ]);
    assert_eq!(az.shown(&id)["options"]["images"], images);
    let shown = az.ok(&["task", "show", &id]);
    assert!(shown.contains("image      cat.png (image/png, 24 bytes)"), "{shown}");
}

#[test]
fn the_images_are_stored_with_the_task() {
    let (az, requests) = with_model();
    az.ok(&[&TASK[..], &["--image", "cat.png", "--detach"]].concat());
    let queued = az.only_id();
    fs::remove_file(az.work().join("cat.png")).unwrap();
    az.ok(&["worker", "run", "--until-idle"]);
    az.ok(&["task", "fork", &queued, "--at", "0"]);
    az.ok(&["task", "run", "and this?", "--continue", &queued, "--image", "dog.gif"]);
    let bodies = requests();
    let first = &bodies[0]["messages"];
    assert_eq!(first[1]["content"][1]["type"], "image_url");
    assert_eq!(bodies[1]["messages"], *first);
    let last = bodies[2]["messages"].as_array().unwrap();
    assert_eq!(last[..2], first.as_array().unwrap()[..2]);
    let url = &last[3]["content"][1]["image_url"]["url"];
    assert_eq!(url, GIF_URL);
}

#[test]
fn what_is_no_image_or_too_large_is_refused_before_anything_is_done() {
    let (az, requests) = with_model();
    let large = [PNG, &vec![0; 3_750_000]].concat();
    let most = [PNG, &vec![0; 3_700_000]].concat();
    az.file("notes.png", "not a picture").file("empty.png", "");
    fs::write(az.work().join("large.png"), large).unwrap();
    fs::write(az.work().join("most.png"), most).unwrap();
    fs::write(az.work().join("cut.png"), &PNG[..8]).unwrap();
    let no_picture =
        "not a picture that models take, which is PNG, JPEG, GIF or WebP with its whole header";
    for (name, reason) in [
        ("notes.png", no_picture),
        ("empty.png", no_picture),
        ("cut.png", no_picture),
        ("large.png", "larger than 3750000 bytes, which is the most; make it smaller"),
        ("gone.png", "No such file"),
        (".", "not a regular file"),
    ] {
        let ended = az.az(&[&TASK[..], &["--image", name]].concat());
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(&format!("--image {name}: {reason}")), "{ended:?}");
    }
    for (name, count, reason) in [
        ("cat.png", 21, "--image: 21 images, at most 20 are allowed"),
        ("most.png", 5, "--image: the images are too large together"),
    ] {
        let ended = az.az(&[&TASK[..], &["--image", name].repeat(count)].concat());
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(reason), "{ended:?}");
    }
    assert_eq!((requests().len(), az.ok(&["task", "list", "--json"]).trim()), (0, "[]"));
}

#[test]
fn a_model_without_image_input_is_refused_before_anything_is_done() {
    let (az, requests) = with_model();
    let az = az.with_var("DEEPSEEK_API_KEY", "k");
    for model in ["offline", "deepseek/deepseek-chat"] {
        let ended = az.az(&["task", "run", "look", "--image", "cat.png", "--model", model]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let reason =
            format!("{model} does not take images; leave out --image, or choose another model");
        assert!(ended.stderr.contains(&reason), "{ended:?}");
    }
    assert_eq!((requests().len(), az.ok(&["task", "list", "--json"]).trim()), (0, "[]"));
}

#[test]
fn a_conversation_has_no_more_images_than_a_task() {
    let (az, _) = with_model();
    az.ok(&[&TASK[..], &["--image", "cat.png"].repeat(11)].concat());
    let id = az.only_id();
    let follow_up = |count| {
        let images = ["--image", "dog.gif"].repeat(count);
        az.az(&[&["task", "run", "and these?", "--continue", &id], &images[..]].concat())
    };
    let ended = follow_up(10);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let reason = "--image: the conversation has 11 images already, and may have at most 20, with 15000000 \
                  bytes together; leave some out, or run a new task without --continue";
    assert!(ended.stderr.contains(reason), "{ended:?}");
    assert_eq!((follow_up(9).code, follow_up(0).code), (Some(0), Some(0)));
}

#[test]
fn a_model_without_image_input_continues_no_conversation_with_images() {
    let (az, _) = with_model();
    az.ok(&[&TASK[..], &["--image", "cat.png"]].concat());
    let id = az.only_id();
    for command in
        [&["task", "run", "and now?", "--continue", &id][..], &["task", "fork", &id, "and now?"]]
    {
        let ended = az.az(&[command, &["--model", "offline"]].concat());
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let reason =
            "offline does not take images, and the conversation has some; choose another model";
        assert!(ended.stderr.contains(reason), "{ended:?}");
    }
}
