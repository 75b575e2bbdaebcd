//! Rules about Rust code: purity, size, heads, bounds, unsafe, tests that wait.
//!
//! What clippy can say it says (`clippy.toml`); here stands what it cannot: rules per folder and about whole files.

use crate::source::{RustFile, rust_files};
use crate::{Violation, expect_none};

const LINES_MAX: usize = 600;
/// A head says what a file does, what it does not and who calls it; a longer one belongs into ARCHITECTURE.md.
const HEAD_LINES_MAX: usize = 12;
const HEAD_CHARACTERS_MIN: usize = 40;

/// Files that are handed the time: all of `net/proto`, and these of `media`.
const PURE: [&str; 1] = ["net/proto/src/"];
const PURE_MEDIA_WORDS: [&str; 6] = ["jitter", "playout", "mixer", "stretch", "resample", "layout"];

/// Where `unsafe` may stand: wrappers of codecs, devices and the socket; and the lab's TUN device, which no program has.
const UNSAFE_ALLOWED: [&str; 5] =
    ["media/src/video/codec", "media/src/audio/codec", "media/src/device", "net/src/socket", "tests/src/lab/tun.rs"];

fn check(rule: fn(&RustFile) -> Vec<Violation>) {
    let files = rust_files();
    assert!(files.len() > 10, "the tree was not found");
    expect_none(files.iter().flat_map(rule).collect());
}

/// Violations for every line of code that holds one of these.
fn lines_with(file: &RustFile, from: usize, words: &[&str], why: &str) -> Vec<Violation> {
    file.lines()
        .filter(|(number, _)| *number >= from)
        .filter_map(|(number, line)| {
            let word = words.iter().find(|word| holds_word(line, word))?;
            Some(Violation::new(format!("{}:{number}", file.path), format!("`{word}`: {why}")))
        })
        .collect()
}

/// Whether the line holds the text, not as the end of a longer name.
fn holds_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !word.starts_with(|c: char| c.is_alphanumeric()) || !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

fn is_pure(path: &str) -> bool {
    PURE.iter().any(|folder| path.starts_with(folder))
        || path.starts_with("media/src/") && PURE_MEDIA_WORDS.iter().any(|word| path.contains(word))
}

fn pure_code_is_told_the_time(file: &RustFile) -> Vec<Violation> {
    let forbidden = [
        "Instant::now",
        "SystemTime",
        "thread::spawn",
        "thread::sleep",
        "thread::Builder",
        "clock::now_us",
        "rand::",
        "getrandom",
        "std::fs",
        "std::net::UdpSocket",
        "std::env",
        "tokio",
    ];
    if is_pure(&file.path) {
        lines_with(file, 1, &forbidden, "pure code is handed time, bytes and chance")
    } else {
        Vec::new()
    }
}

fn no_file_is_too_long(file: &RustFile) -> Vec<Violation> {
    let lines = file.text.lines().count();
    if lines <= LINES_MAX {
        return Vec::new();
    }
    vec![Violation::new(&file.path, format!("{lines} lines; at most {LINES_MAX}"))]
}

fn every_file_says_what_it_is(file: &RustFile) -> Vec<Violation> {
    let head: Vec<&str> = file.text.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let characters: usize = head.iter().map(|line| line.trim().chars().count()).sum();
    if characters >= HEAD_CHARACTERS_MIN && head.len() <= HEAD_LINES_MAX {
        return Vec::new();
    }
    let what = format!("opens with {characters} characters in {} lines of `//!`", head.len());
    vec![Violation::new(&file.path, what)]
}

fn nothing_is_left_for_later(file: &RustFile) -> Vec<Violation> {
    let forbidden = ["todo!", "unimplemented!", "dbg!", "#[ignore", "#[allow("];
    lines_with(file, 1, &forbidden, "unfinished, switched off or silenced")
}

fn no_getter_is_called_get(file: &RustFile) -> Vec<Violation> {
    lines_with(file, 1, &["fn get_"], "a reader bears the name of what it returns")
}

fn unsafe_stays_in_its_rooms(file: &RustFile) -> Vec<Violation> {
    if UNSAFE_ALLOWED.iter().any(|place| file.path.starts_with(place)) {
        let stated = file.text.matches("// SAFETY:").count() + file.text.matches("# Safety").count();
        let used = file.lines().filter(|(_, line)| holds_word(line, "unsafe {")).count();
        if used > 0 && stated == 0 {
            return vec![Violation::new(&file.path, "unsafe without a single SAFETY comment")];
        }
        return Vec::new();
    }
    lines_with(file, 1, &["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"], "not one of the wrappers that may")
}

fn every_queue_has_a_bound(file: &RustFile) -> Vec<Violation> {
    let mut violations = lines_with(file, 1, &["unbounded"], "every queue has a bound");
    for (number, line) in file.lines() {
        let without_end = line.match_indices("channel").any(|(at, name)| {
            let rest = line[at + name.len()..].trim_start();
            let rest = if rest.starts_with("::<") { rest.find(">(").map_or("", |end| &rest[end + 1..]) } else { rest };
            rest.starts_with("()") && line[..at].ends_with("mpsc::")
        });
        if without_end {
            let what = "a channel without a bound: sync_channel, or tokio's with a number";
            violations.push(Violation::new(format!("{}:{number}", file.path), what));
        }
    }
    violations
}

/// Tests wait for an event with a deadline or run in virtual time. A paused tokio clock sleeps in no time.
fn no_test_sleeps(file: &RustFile) -> Vec<Violation> {
    let mut forbidden = vec!["thread::sleep"];
    if !file.code.contains("start_paused") && !file.code.contains("time::pause()") {
        forbidden.push("time::sleep");
    }
    lines_with(file, file.tests_from(), &forbidden, "a test waits for an event, never for a while")
}

/// The window reads snapshots; the engine knows no window.
fn window_and_engine_know_only_each_others_words(file: &RustFile) -> Vec<Violation> {
    if file.path.starts_with("app/src/gui") {
        let forbidden = ["conclave_net", "conclave_proto", "libp2p", "tokio::"];
        lines_with(file, 1, &forbidden, "the window knows snapshots, commands and pictures only")
    } else if file.path.starts_with("app/src/engine") || file.path.starts_with("app/src/headless") {
        lines_with(file, 1, &["egui", "eframe"], "the engine runs without a window")
    } else {
        Vec::new()
    }
}

#[test]
fn pure_files_read_no_clock() {
    check(pure_code_is_told_the_time);
}

#[test]
fn no_file_is_beyond_600_lines() {
    check(no_file_is_too_long);
}

#[test]
fn every_file_opens_with_what_it_does() {
    check(every_file_says_what_it_is);
}

#[test]
fn nothing_unfinished_or_switched_off() {
    check(nothing_is_left_for_later);
}

#[test]
fn readers_are_not_called_get() {
    check(no_getter_is_called_get);
}

#[test]
fn unsafe_only_where_it_may_be() {
    check(unsafe_stays_in_its_rooms);
}

#[test]
fn channels_are_bounded() {
    check(every_queue_has_a_bound);
}

#[test]
fn tests_do_not_sleep() {
    check(no_test_sleeps);
}

#[test]
fn the_window_and_the_engine_are_apart() {
    check(window_and_engine_know_only_each_others_words);
}

/// Each rule finds what it is there for.
#[test]
fn the_rules_bite() {
    type Rule = fn(&RustFile) -> Vec<Violation>;
    let long = "//! a\n".repeat(LINES_MAX + 1);
    let cases: [(Rule, &str, &str, usize); 17] = [
        (pure_code_is_told_the_time, "net/proto/src/a.rs", "let t = Instant::now();", 1),
        (pure_code_is_told_the_time, "media/src/audio/jitter.rs", "use std::time::SystemTime;", 1),
        (pure_code_is_told_the_time, "media/src/audio/capture.rs", "Instant::now()", 0),
        (pure_code_is_told_the_time, "net/proto/src/a.rs", "// Instant::now() is not for us\nlet operand::x;", 0),
        (no_file_is_too_long, "a.rs", &long, 1),
        (every_file_says_what_it_is, "a.rs", "//! Helpers.\nfn a() {}", 1),
        (every_file_says_what_it_is, "a.rs", "//! Finds the delay of a sound by correlation.\nfn a() {}", 0),
        (nothing_is_left_for_later, "a.rs", "fn a() { todo!() }\n#[ignore]\nfn b() {}", 2),
        (no_getter_is_called_get, "a.rs", "fn get_name() {}\nfn target_name() {}\nfn widget_b() {}", 1),
        (unsafe_stays_in_its_rooms, "app/src/main.rs", "unsafe { f() }", 1),
        (unsafe_stays_in_its_rooms, "net/src/socket.rs", "unsafe { f() }", 1),
        (unsafe_stays_in_its_rooms, "net/src/socket.rs", "// SAFETY: checked.\nunsafe { f() }", 0),
        (every_queue_has_a_bound, "a.rs", "mpsc::channel::<Vec<u8>>();\nmpsc::unbounded_channel();", 2),
        (every_queue_has_a_bound, "a.rs", "mpsc::channel(8); oneshot::channel(); sync_channel::<u8>(3);", 0),
        (no_test_sleeps, "a.rs", "thread::sleep(d);\n#[cfg(test)]\nmod tests {\nthread::sleep(d);\n}", 1),
        (no_test_sleeps, "tests/tests/a.rs", "#[tokio::test(start_paused = true)]\ntokio::time::sleep(d)", 0),
        (window_and_engine_know_only_each_others_words, "app/src/engine/mod.rs", "use egui::Context;", 1),
    ];
    for (index, (rule, path, text, expected)) in cases.into_iter().enumerate() {
        let found = rule(&RustFile::new(path, text));
        assert_eq!(found.len(), expected, "case {index}: {found:?}");
    }
}
