//! Picks what was asked for: the window, the program without a window, or the doctor.

fn main() {}
