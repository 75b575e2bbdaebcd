//! Refuses a release build whose H.264 encoder would be slow: without nasm, OpenH264 leaves its assembly out silently and
//! takes 2.4 times as long.

use std::process::{Command, Stdio};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    let is = |name: &str, wanted: &str| std::env::var(name).is_ok_and(|value| value == wanted);
    let needs_nasm = std::env::var_os("CARGO_FEATURE_H264").is_some()
        && is("PROFILE", "release")
        && (is("CARGO_CFG_TARGET_ARCH", "x86_64") || is("CARGO_CFG_TARGET_ARCH", "x86"));
    if !needs_nasm {
        return;
    }
    let nasm = std::env::var_os("NASM").unwrap_or_else(|| "nasm".into());
    let runs = Command::new(&nasm).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !runs.is_ok_and(|status| status.success()) {
        println!(
            "cargo::error=nasm is missing, and without it the video codecs would be 2.4 times slower. Install the \
             package \"nasm\" (apt install nasm, dnf install nasm, pacman -S nasm, brew install nasm) and build again."
        );
    }
}
