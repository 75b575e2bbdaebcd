//! Rules about the manifests: which crate may know which, one lint table, and a reason for every dependency.
//!
//! Only direct dependencies are judged; what those bring along is cargo-deny's and the licences' business.

use crate::source::{read, root};
use crate::{Violation, expect_none};
use toml::Table;

/// What the pure core may know; nothing else.
const PROTO_MAY: [&str; 11] = [
    "aws-lc-rs",
    "bip39",
    "blake2",
    "bytes",
    "conclave-proto",
    "data-encoding",
    "ml-kem",
    "proptest",
    "snow",
    "thiserror",
    "zeroize",
];
const XTASK_MAY: [&str; 1] = ["anyhow"];

/// What a crate must not know, by the start of the name.
const FORBIDDEN: [(&str, &[&str]); 3] = [
    ("net", &["conclave-media", "conclave-tests", "egui", "eframe", "cpal", "nokhwa", "opus", "libaom", "openh264"]),
    ("media", &["conclave-", "tokio", "libp2p", "quinn", "rustls", "egui", "eframe", "snow", "aws-lc"]),
    ("tests", &["conclave-media", "libp2p", "quinn", "egui", "eframe", "cpal", "nokhwa"]),
];

const CRATES: [&str; 6] = ["app", "net", "net/proto", "media", "tests", "xtask"];

fn manifest(folder: &str) -> Table {
    read(&root().join(folder).join("Cargo.toml")).parse().expect("a readable manifest")
}

/// The names of everything a manifest depends on, for every target and purpose.
fn dependencies(manifest: &Table) -> Vec<String> {
    let mut names = Vec::new();
    for (key, value) in manifest {
        let Some(table) = value.as_table() else { continue };
        match key.as_str() {
            "dependencies" | "dev-dependencies" | "build-dependencies" => names.extend(table.keys().cloned()),
            "target" => names.extend(table.values().filter_map(|value| value.as_table()).flat_map(dependencies)),
            _ => {}
        }
    }
    names.sort();
    names.dedup();
    names
}

fn only(folder: &str, manifest: &Table, may: &[&str]) -> Vec<Violation> {
    let foreign = dependencies(manifest).into_iter().filter(|name| !may.contains(&name.as_str()));
    foreign.map(|name| Violation::new(folder, format!("must not know {name}"))).collect()
}

fn none_of(folder: &str, manifest: &Table, forbidden: &[&str]) -> Vec<Violation> {
    let found = dependencies(manifest).into_iter().filter(|name| forbidden.iter().any(|start| name.starts_with(start)));
    found.map(|name| Violation::new(folder, format!("must not know {name}"))).collect()
}

#[test]
fn dependencies_point_one_way() {
    let mut violations = only("net/proto", &manifest("net/proto"), &PROTO_MAY);
    violations.extend(only("xtask", &manifest("xtask"), &XTASK_MAY));
    for (folder, forbidden) in FORBIDDEN {
        violations.extend(none_of(folder, &manifest(folder), forbidden));
    }
    expect_none(violations);
}

#[test]
fn a_wrong_dependency_is_found_wherever_it_stands() {
    let text = "[dependencies]\nbytes = '1'\n[target.'cfg(unix)'.dev-dependencies]\ntokio = '1'\n";
    let manifest: Table = text.parse().expect("toml");
    assert_eq!(only("x", &manifest, &["bytes"]).len(), 1);
    assert_eq!(none_of("x", &manifest, &["tok"]).len(), 1);
    assert_eq!(none_of("x", &manifest, &["libp2p"]).len(), 0);
}

#[test]
fn every_crate_takes_lints_versions_and_edition_from_the_workspace() {
    let mut violations = Vec::new();
    for folder in CRATES {
        let manifest = manifest(folder);
        let taken = |table: &str, key: &str| {
            let value = manifest.get(table).and_then(|table| table.get(key));
            value.is_some_and(|value| value.as_bool() == Some(true) || value.get("workspace").is_some())
        };
        for (table, key) in [("lints", "workspace"), ("package", "edition"), ("package", "license")] {
            if !taken(table, key) {
                violations.push(Violation::new(folder, format!("{table}.{key} is not the workspace's")));
            }
        }
        for name in dependencies(&manifest) {
            let own = ["dependencies", "dev-dependencies", "build-dependencies"].iter().any(|kind| {
                let dependency = manifest.get(*kind).and_then(|table| table.get(&name));
                let itself = |value: &toml::Value| value.get("path").and_then(|path| path.as_str()) == Some(".");
                dependency.is_some_and(|value| value.get("workspace").is_none() && !itself(value))
            });
            if own {
                violations.push(Violation::new(folder, format!("{name} has a version of its own")));
            }
        }
    }
    expect_none(violations);
}

#[test]
fn contributing_says_why_each_dependency_is_here() {
    let workspace = manifest(".");
    let dependencies = workspace["workspace"]["dependencies"].as_table().expect("the table of versions");
    let text = read(&root().join("CONTRIBUTING.md"));
    let section = text.split("## Dependencies").nth(1).expect("a section `Dependencies`");
    let unexplained = dependencies.keys().filter(|name| !name.starts_with("conclave-"));
    let unexplained = unexplained.filter(|name| !section.contains(&format!("`{name}`")));
    expect_none(unexplained.map(|name| Violation::new("CONTRIBUTING.md", format!("{name}: why?"))).collect());
}
