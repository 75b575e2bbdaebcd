//! Conclave, the program, as a library so that its window and its process tests can be tested: the engine (one owner of a
//! meeting), the contacts, the window, the program without a window, and what is typed. `main.rs` only picks one of them.
//!
//! The one place that knows both the network and the media.

pub mod cli;
pub mod contacts;
pub mod contacts_command;
pub mod doctor;
pub mod engine;
pub mod gui;
pub mod headless;
pub mod light;
pub mod settings;
