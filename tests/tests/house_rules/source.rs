//! The files of the tree, and Rust text with its comments and strings blanked out.
//!
//! A small lexer and no parser: enough that a rule about code does not trip over a comment that names what it forbids.
//! Used by every rule.

use std::path::{Path, PathBuf};

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace")
}

/// A Rust file, its path relative to the root and with forward slashes.
pub(crate) struct RustFile {
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with comments and the insides of strings blanked; same length in lines.
    pub(crate) code: String,
}

impl RustFile {
    pub(crate) fn new(path: &str, text: &str) -> RustFile {
        RustFile { path: path.to_owned(), text: text.to_owned(), code: blanked(text) }
    }

    /// The lines of code with their numbers, from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The first line of test code: 1 in a file of tests, else that of `#[cfg(test)]` before the module of tests.
    pub(crate) fn tests_from(&self) -> usize {
        let of_tests = self.path.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "benches"));
        if of_tests && !self.path.starts_with("tests/src/bench/") {
            return 1;
        }
        let lines: Vec<&str> = self.code.lines().collect();
        let is_module =
            |line: &&str| line.trim_start().starts_with("mod ") || line.trim_start().starts_with("pub mod ");
        (0..lines.len())
            .find(|&index| {
                lines[index].trim() == "#[cfg(test)]" && lines[index..].iter().skip(1).take(3).any(is_module)
            })
            .map_or(usize::MAX, |index| index + 1)
    }
}

/// Every Rust file of the tree.
pub(crate) fn rust_files() -> Vec<RustFile> {
    let rust = files().into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    rust.map(|path| RustFile::new(&relative(&path), &read(&path))).collect()
}

/// Every file of the tree that people write: the build's output, version control and the empty `net/wasm-pin` left out.
pub(crate) fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() {
                if !name.starts_with("target") && name != ".git" && name != "wasm-pin" {
                    folders.push(path);
                }
            } else if name != ".git" {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Blanks comments and the insides of string and character literals.
fn blanked(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let end = token_end(&characters, at);
        match end {
            None => {
                out.push(characters[at]);
                at += 1;
            }
            Some(end) => {
                out.extend(characters[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
                at = end;
            }
        }
    }
    out
}

/// The end of the comment or literal that starts here, if one does.
fn token_end(characters: &[char], at: usize) -> Option<usize> {
    let here = characters[at];
    let next = characters.get(at + 1).copied();
    let joined = at > 0 && (characters[at - 1].is_alphanumeric() || characters[at - 1] == '_');
    match (here, next) {
        ('/', Some('/')) => Some(find(characters, at, '\n')),
        ('/', Some('*')) => Some(block_comment_end(characters, at)),
        ('"', _) => Some(quoted_end(characters, at + 1, '"')),
        ('r', Some('"' | '#')) if !joined => raw_string_end(characters, at + 1),
        ('b', Some('r')) if !joined && matches!(characters.get(at + 2), Some('"' | '#')) => {
            raw_string_end(characters, at + 2)
        }
        ('\'', Some('\\')) => Some(quoted_end(characters, at + 1, '\'')),
        ('\'', Some(_)) if characters.get(at + 2) == Some(&'\'') => Some(at + 3),
        _ => None,
    }
}

fn find(characters: &[char], from: usize, wanted: char) -> usize {
    characters[from..].iter().position(|&c| c == wanted).map_or(characters.len(), |offset| from + offset)
}

fn quoted_end(characters: &[char], mut at: usize, quote: char) -> usize {
    while at < characters.len() && characters[at] != quote {
        at += if characters[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(characters.len())
}

fn block_comment_end(characters: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < characters.len() {
        match (characters[at], characters.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(characters.len())
}

/// From the first `#` or the quote of a raw string. None: a raw identifier.
fn raw_string_end(characters: &[char], at: usize) -> Option<usize> {
    let hashes = characters[at..].iter().take_while(|&&c| c == '#').count();
    if characters.get(at + hashes) != Some(&'"') {
        return None;
    }
    let mut from = at + hashes + 1;
    while from < characters.len() {
        let quote = find(characters, from, '"');
        let closing = characters[(quote + 1).min(characters.len())..].iter().take_while(|&&c| c == '#').count();
        if closing >= hashes {
            return Some((quote + 1 + hashes).min(characters.len()));
        }
        from = quote + 1;
    }
    Some(characters.len())
}

#[test]
fn comments_and_strings_are_blanked_and_code_is_kept() {
    let text = "let a = \"sleep \\\" now\"; // sleep\n/* a /* b */ sleep */ let c = 'x'; let r = r#\"sl\"eep\"#; f::<'a>(b'\\'')";
    let code = blanked(text);
    assert!(!code.contains("sleep") && !code.contains("eep"), "{code}");
    for kept in ["let a =", "let c =", "let r =", "f::<'a>(b"] {
        assert!(code.contains(kept), "{kept} in {code}");
    }
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn test_code_starts_where_the_tests_do() {
    assert_eq!(RustFile::new("net/src/a.rs", "fn a() {}\n#[cfg(test)]\nmod tests {}\n").tests_from(), 2);
    assert_eq!(RustFile::new("net/src/a.rs", "#[cfg(test)]\nuse b;\nfn a() {}\n").tests_from(), usize::MAX);
    assert_eq!(RustFile::new("tests/tests/a.rs", "fn a() {}").tests_from(), 1);
}
