//! The program as its users run it: real `conclave headless` processes on the loopback, with files for devices. Each test
//! waits for events, with a deadline; none sleeps.

mod bad_input;
mod call;
mod contacts;
mod files;
mod mesh;
mod party;
mod room;
mod trouble;
