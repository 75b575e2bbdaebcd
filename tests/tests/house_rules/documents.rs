//! Rules about what is written for people: commands that exist, links that lead somewhere, promises that a test holds,
//! and nothing that belongs to one machine.
//!
//! A document that drifts from the program is worse than none; these rules catch the drift that a machine can see.

use crate::source::{RustFile, files, read, relative, root, rust_files};
use crate::{Violation, expect_none};

const DOCUMENTS: [&str; 5] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"];

/// The lines inside fenced blocks that start with this program.
fn command_lines<'a>(text: &'a str, program: &str) -> Vec<&'a str> {
    let start = format!("{program} ");
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside && line.trim_start().trim_start_matches("$ ").starts_with(&start) {
            lines.push(line.trim_start().trim_start_matches("$ "));
        }
    }
    lines
}

/// The words of a command line that must be known to the program: its subcommand and its options.
fn words_to_know(line: &str, program: &str) -> Vec<String> {
    let line = line.strip_prefix(program).unwrap_or(line).split(" #").next().unwrap_or_default();
    let words = line.split_whitespace().take_while(|word| *word != "--");
    let first = words.clone().next().filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
    let options = words.filter(|word| word.starts_with("--")).map(|word| word.trim_matches(['[', ']', ',']));
    first.into_iter().chain(options).map(|word| word.trim_start_matches("--").to_owned()).collect()
}

/// A word is known when the program's source has it in a string or as a name (`lan_only` for `--lan-only`).
fn is_known(word: &str, source: &str) -> bool {
    let name = word.replace('-', "_");
    let type_name: String = word.split('-').map(capitalised).collect();
    source.contains(word) || source.contains(&name) || source.contains(&type_name)
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn source_below(folder: &str) -> String {
    rust_files().into_iter().filter(|file| file.path.starts_with(folder)).map(|file| file.text).collect()
}

#[test]
fn commands_in_the_documents_exist() {
    let programs = [("cargo xtask", source_below("xtask/src")), ("conclave", source_below("app/src"))];
    let mut violations = Vec::new();
    let mut seen = 0;
    for document in DOCUMENTS {
        let text = read(&root().join(document));
        for (program, source) in &programs {
            for line in command_lines(&text, program) {
                seen += 1;
                let unknown = words_to_know(line, program).into_iter().filter(|word| !is_known(word, source));
                violations.extend(unknown.map(|word| Violation::new(document, format!("{line}: no `{word}`"))));
            }
        }
    }
    assert!(seen >= 4, "README.md shows how to use it");
    expect_none(violations);
}

/// Relative links of a Markdown text.
fn links(text: &str) -> Vec<&str> {
    let targets = text.match_indices("](").filter_map(|(at, _)| text[at + 2..].split(')').next());
    let local = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    local.map(|target| target.split('#').next().unwrap_or(target)).collect()
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut violations = Vec::new();
    for document in DOCUMENTS {
        let text = read(&root().join(document));
        let broken = links(&text).into_iter().filter(|target| !root().join(target).exists());
        violations.extend(broken.map(|target| Violation::new(document, format!("{target} does not exist"))));
    }
    expect_none(violations);
}

/// The names of all test functions.
fn test_names(files: &[RustFile]) -> Vec<String> {
    let mut names = Vec::new();
    for file in files {
        let lines: Vec<&str> = file.code.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            let after = line.trim_start_matches("pub ").trim_start_matches("async ").strip_prefix("fn ");
            let Some(name) = after.and_then(|rest| rest.split(['(', '<']).next()) else { continue };
            let attributes = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.is_empty());
            let mut attributes = attributes.map(|line| line.trim_start_matches("#["));
            let inside_proptest = file.code[..].contains("proptest!");
            if inside_proptest || attributes.any(|a| a.starts_with("test") || a.starts_with("tokio::test")) {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// The promises of SECURITY.md: items of the list under `## Promises`, each with the names of its tests in backticks
/// after `Held by`.
fn promises(text: &str) -> Vec<(String, Vec<String>)> {
    let section = text.split("\n## Promises").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let items = section.split("\n- ").skip(1);
    items
        .map(|item| {
            let item = item.split_whitespace().collect::<Vec<_>>().join(" ");
            let (promise, held_by) = item.split_once("Held by").unwrap_or((item.as_str(), ""));
            let tests = held_by.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            (promise.trim().to_owned(), tests)
        })
        .collect()
}

fn unheld(promises: &[(String, Vec<String>)], tests: &[String]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (promise, named) in promises {
        if named.is_empty() {
            violations.push(Violation::new("SECURITY.md", format!("no test named: {promise}")));
        }
        let gone = named.iter().filter(|name| !tests.contains(name));
        violations.extend(gone.map(|name| Violation::new("SECURITY.md", format!("no test `{name}`: {promise}"))));
    }
    violations
}

#[test]
fn every_promise_is_held_by_a_test() {
    let promises = promises(&read(&root().join("SECURITY.md")));
    assert!(promises.len() >= 3, "SECURITY.md has promises");
    expect_none(unheld(&promises, &test_names(&rust_files())));
}

#[test]
fn a_promise_without_its_test_is_found() {
    let text =
        "# S\n\n## Promises\n\n- One. Held by\n  `a_test`.\n- Two. Held by `gone`.\n- Three.\n\n## After\n\n- no\n";
    let promises = promises(text);
    assert_eq!(promises.len(), 3);
    let file = RustFile::new("a.rs", "#[test]\nfn a_test() {}\nfn gone() {}\n");
    assert_eq!(unheld(&promises, &test_names(&[file])).len(), 2);
}

/// Words that betray the machine a text was written on.
fn machine_words(path: &str, text: &str) -> Vec<Violation> {
    let words = ["/home/", "/root/", "/Users/", "/tmp/", "C:\\\\", "/work/"];
    let found = text.lines().enumerate().filter_map(|(index, line)| {
        let word = words.iter().find(|word| line.contains(**word))?;
        Some(Violation::new(format!("{path}:{}", index + 1), format!("{word} belongs to one machine")))
    });
    found.collect()
}

#[test]
fn nothing_names_one_machine() {
    let kinds = ["rs", "toml", "md", "sh", "json", ""];
    let this_file = "tests/tests/house_rules/documents.rs";
    let mut violations = Vec::new();
    for path in files() {
        let name = relative(&path);
        let kind = path.extension().map(|kind| kind.to_string_lossy().into_owned()).unwrap_or_default();
        if kinds.contains(&kind.as_str()) && name != this_file {
            violations
                .extend(std::fs::read_to_string(&path).map_or_else(|_| Vec::new(), |text| machine_words(&name, &text)));
        }
    }
    expect_none(violations);
    assert_eq!(machine_words("a.rs", "fine\nlet path = \"/home/me/x\";").len(), 1);
}

#[test]
fn command_lines_are_read() {
    let text = "conclave nothing\n```\n$ conclave join INVITE --lan-only  # a note\ncargo xtask run -- --deep\n```\n";
    assert_eq!(command_lines(text, "conclave"), ["conclave join INVITE --lan-only  # a note"]);
    assert_eq!(words_to_know("conclave join INVITE --lan-only  # --a note", "conclave"), ["join", "lan-only"]);
    assert_eq!(words_to_know("cargo xtask run -- --deep", "cargo xtask"), ["run"]);
    assert!(is_known("lan-only", "struct A { lan_only: bool }") && !is_known("deep", "enum { Join }"));
}
