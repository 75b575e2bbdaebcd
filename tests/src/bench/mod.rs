//! `cargo xtask bench call`: two headless programs call each other on loopback; what it costs and how it looks.
//! `cargo xtask bench mesh`: a room of many (`mesh`). `cargo xtask bench network`: calls on bad links (`network`).
//!
//! The material is made here, the same bytes every time; each measure is a small function with a test. Nothing here is
//! a timed test: the binary `bench` (`tests/src/bin/bench.rs`) measures and prints, and does not fail on a slow machine.

pub mod barcode;
pub mod call;
pub mod correlate;
pub mod figures;
pub mod hearing;
pub mod material;
pub mod measure;
pub mod mesh;
pub mod network;
pub mod party;
pub mod quality;
pub mod scene;
pub mod ssim;
pub mod table;
pub mod voice;
pub mod window;
pub mod workplace;
pub mod y4m;
pub mod yardstick;
