//! What the tests and the benchmark share: the bench's material, its measures and its driving of the program; the emulated link and
//! its source of chance; the lab that puts real programs on such links.
//!
//! Nothing of this is part of the product. Simulated worlds, real processes and the house rules stand in `tests/tests`.

pub mod bench;
#[cfg(target_os = "linux")]
pub mod lab;
pub mod link;
pub mod random;
