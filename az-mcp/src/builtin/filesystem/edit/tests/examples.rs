//! What an edit does to single files.

use std::time::Instant;

use super::super::apply::Edit;
use super::super::text::FileText;
use super::{edit_bytes, once};

#[track_caller]
fn edits(file: &str, (old, new): (&str, &str), expected: &str) {
    let after = edit_bytes(file.as_bytes(), once(old, new)).map_err(|refusal| refusal.to_string());
    assert_eq!(after.map(|after| String::from_utf8(after).unwrap()).as_deref(), Ok(expected));
}

#[track_caller]
fn refuses(file: &str, (old, new): (&str, &str), reason: &str) {
    let refusal = edit_bytes(file.as_bytes(), once(old, new)).unwrap_err();
    assert_eq!(refusal.to_string(), reason);
}

#[test]
fn a_replacement_gets_the_line_ends_of_what_it_replaces() {
    edits("a\r\nb\r\nc\r\n", ("a\nb\n", "a\nx\nb\n"), "a\r\nx\r\nb\r\nc\r\n");
    edits("a\nb\nc\n", ("b\r\n", "b\r\nx\r\n"), "a\nb\nx\nc\n");
    edits("a\r\nb\nc\nd\n", ("b", "b\nx"), "a\r\nb\nx\nc\nd\n");
    edits("a\r\nb\r\nc\nd", ("a\nb\nc\nd", "a\nb\nC\nd"), "a\r\nb\r\nC\nd");
    edits("one", ("one", "one\r\ntwo"), "one\r\ntwo");
    edits("a\rb\rc", ("b\r", "x\r"), "a\rx\rc");
}

#[test]
fn a_line_end_that_the_last_line_does_not_have_is_ignored() {
    edits("a\nb", ("b\n", "c\n"), "a\nc");
    edits("a\r\nb", ("a\nb\n", "c\nd\n"), "c\r\nd");
    edits("a\nb", ("b\n", ""), "a\n");
    edits("b\nb", ("b\n", "c\n"), "c\nb");
    refuses(
        "a\nb",
        ("b\n", "b"),
        "old_string and new_string are the same, apart from line ends, so that nothing would change",
    );
}

#[test]
fn a_byte_order_mark_is_kept_and_one_in_the_arguments_is_ignored() {
    edits("\u{feff}a\nb\n", ("\u{feff}a\n", "\u{feff}x\n"), "\u{feff}x\nb\n");
    edits("\u{feff}\u{feff}a", ("a", "b"), "\u{feff}\u{feff}b");
    edits("a", ("\u{feff}a", "\u{feff}b"), "b");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let refused = |bytes: &[u8]| FileText::decode(bytes.to_vec()).unwrap_err();
    assert_eq!(refused(b"a\0b"), "contains NUL characters");
    assert_eq!(refused(b"\xff\xfe\0\0a\0\0\0"), "contains NUL characters");
    assert_eq!(refused(b"a\xffb"), "is not UTF-8, nor UTF-16 with a byte order mark");
    assert_eq!(refused(b"\xff\xfea"), "is not valid UTF-16");
    assert_eq!(refused(b"\xfe\xff\xd8\x00"), "is not valid UTF-16");
}

#[test]
fn a_text_that_occurs_several_times_is_refused_with_its_lines() {
    refuses(
        "x\ny\nx\n",
        ("x", "z"),
        "old_string occurs 2 times, at lines 1, 3; add lines around it until it occurs once, or set \
         replace_all",
    );
    refuses(
        "aaa\nb\naaaaa",
        ("aa", "z"),
        "old_string occurs 6 times, at lines 1, 1, 3, 3, 3, …; add lines around it until it occurs \
         once, or set replace_all",
    );
}

#[test]
fn all_occurrences_are_replaced_from_the_first_one_on() {
    let all = |file: &str, old, new| {
        let after = edit_bytes(file.as_bytes(), Edit { old, new, all: true }).unwrap();
        String::from_utf8(after).unwrap()
    };
    assert_eq!(all("aaaaa", "aa", "b"), "bba");
    assert_eq!(all("x\r\ny\nx\r\n", "x\n", "x\nz\n"), "x\r\nz\r\ny\nx\r\nz\r\n");
    assert_eq!(all("a a", "a", "aa"), "aa aa");
}

#[test]
fn a_text_that_does_not_occur_is_refused_with_the_nearest_one() {
    let file = "fn main() {\n    let one = 1;\n    let two = 2;\n    print(one + two);\n}\n";
    refuses(
        file,
        ("    let one = 1;\n    let two = 3;\n", ""),
        "old_string does not occur in the file; the nearest text is at line 2: line 3 of the file is \
         \"    let two = 2;\", and line 2 of old_string is \"    let two = 3;\"; copy the text as it is \
         in the file",
    );
    refuses(
        file,
        ("print(one+two)", "x"),
        "old_string does not occur in the file; the nearest text is at line 4: line 4 of the file is \
         \"    print(one + two);\", and line 1 of old_string is \"print(one+two)\"; copy the text as it \
         is in the file",
    );
    refuses(
        "\tindented line\n",
        ("    indented line\n", "x"),
        "old_string does not occur in the file; the nearest text is at line 1: line 1 of the file is \
         \"\\tindented line\", and line 1 of old_string is \"    indented line\"; copy the text as it is \
         in the file",
    );
    refuses(
        "caf\u{e9} au lait",
        ("cafe\u{301} au lait", "x"),
        "old_string does not occur in the file; the nearest text is at line 1: line 1 of the file is \
         \"café au lait\", and line 1 of old_string is \"cafe\\u{301} au lait\"; copy the text as it is \
         in the file",
    );
    refuses(
        "one line\ntwo lines\n",
        ("two lines\nthree lines\n", "x"),
        "old_string does not occur in the file; the nearest text is at line 2, and the file has no line \
         there for line 2 of old_string, \"three lines\"; copy the text as it is in the file",
    );
    refuses(
        "abc\n",
        ("xyz", "x"),
        "old_string does not occur in the file, and no line of it does; read the file again",
    );
}

#[test]
fn an_empty_text_is_refused() {
    let reason = "old_string is empty; copy the text to replace from the file, or create a file with \
                  filesystem.write";
    refuses("abc", ("", "x"), reason);
    refuses("abc", ("\u{feff}", "x"), reason);
}

/// The time is in proportion to the size of the file, also where many places are alike.
#[test]
fn a_large_file_is_edited_or_refused_in_a_moment() {
    let started = Instant::now();
    let same = "    the same line again\n".repeat(20_000);
    edit_bytes(same.as_bytes(), once(&format!("{}x", &same[..24_000]), "y")).unwrap_err();
    edit_bytes(same.as_bytes(), once(&same[..240_000], "y")).unwrap_err();
    edit_bytes("a".repeat(1 << 18).as_bytes(), once(&"a".repeat(1 << 17), "b")).unwrap_err();
    let all = Edit { old: "again", new: "anew", all: true };
    edit_bytes(same.as_bytes(), all).unwrap();
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
