//! Cameras, sound devices and codecs, and the pure parts between them.
//!
//! Knows nothing of the network or the window: encoded frames go out through closures and come in through `push`
//! methods, decoded pictures wait in a [`PictureSlot`].

pub mod ahead;
pub mod audio;
pub mod clock;
mod limits;
pub mod picture;
pub mod source;
pub mod video;

pub use picture::{Picture, PictureSlot};
pub use source::{Sink, Source};
