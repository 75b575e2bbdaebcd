//! Every crate that can be linked stands under a licence that `deny.toml` allows.
//!
//! A small reader of licence expressions over `cargo metadata`, without the network, so that the rule holds on machines
//! without cargo-deny, which checks the same list more deeply.

use crate::source::{read, root};
use crate::{Violation, expect_none};
use std::process::Command;

/// Whether the expression can be met with the allowed licences. `AND` binds tighter than `OR`; `/` is an old `OR`.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "+WITH+");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    any_of(&words, &mut at, allowed) && at == words.len()
}

fn any_of(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut met = all_of(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= all_of(words, at, allowed);
    }
    met
}

fn all_of(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut met = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, allowed);
    }
    met
}

fn one(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let met = any_of(words, at, allowed);
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return met && closed;
    }
    allowed.iter().any(|licence| *licence == word.replace("+WITH+", " WITH "))
}

#[test]
fn every_crate_has_an_allowed_licence() {
    let deny: toml::Table = read(&root().join("deny.toml")).parse().expect("a readable deny.toml");
    let allowed: Vec<String> = deny["licenses"]["allow"]
        .as_array()
        .expect("a list of licences")
        .iter()
        .filter_map(|licence| licence.as_str().map(str::to_owned))
        .collect();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform"])
        .arg(format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 100, "the dependencies were not found");
    let mut violations = Vec::new();
    for package in packages {
        let licence = package["license"].as_str().unwrap_or("none");
        if !is_allowed(licence, &allowed) {
            violations.push(Violation::new(package["name"].as_str().unwrap_or("?"), licence));
        }
    }
    expect_none(violations);
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
    for good in ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-2.0", "ISC AND (GPL-2.0 OR MIT)", "Apache-2.0 WITH LLVM-exception"] {
        assert!(is_allowed(good, &allowed), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT", "Apache-2.0", "none", "", "ISC AND (GPL-2.0 OR BSD) OR LGPL"] {
        assert!(!is_allowed(bad, &allowed), "{bad}");
    }
}
