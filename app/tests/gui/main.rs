//! The window as a person uses it: hand-made snapshot in, a control found by its accessible name, a click or a key, the
//! command out. No display, no engine, no pictures compared.

mod everywhere;
mod home;
mod meeting;
mod people;
mod room;
mod support;
