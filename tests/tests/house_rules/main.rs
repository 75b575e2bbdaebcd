//! The house rules: what every file of the tree keeps to, checked like any other behaviour.
//!
//! Each rule is a function from a file's text to its violations, so that each is itself tested on a text that breaks
//! it. No rule looks at behaviour; that is what the other tests are for. CONTRIBUTING.md tells the rules in words.

mod code;
mod documents;
mod licences;
mod manifests;
mod source;

/// One broken rule: where and what.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    place: String,
    what: String,
}

impl Violation {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Violation {
        Violation { place: place.into(), what: what.into() }
    }
}

/// Ends the test with every violation, one a line.
fn expect_none(violations: Vec<Violation>) {
    let list: Vec<String> = violations.into_iter().map(|v| format!("  {}: {}", v.place, v.what)).collect();
    assert!(list.is_empty(), "{} broken:\n{}", list.len(), list.join("\n"));
}
