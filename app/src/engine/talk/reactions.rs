//! Reactions, each shown for some seconds and never kept.

use std::time::Instant;

use conclave_proto::ids::PeerId;
use conclave_proto::talk;

use crate::engine::limits::{REACTION_SHOWN, REACTIONS_SHOWN};
use crate::engine::room::{Reaction, ShownReaction};

/// Those of the last seconds, oldest first.
#[derive(Default)]
pub(super) struct Reactions {
    shown: Vec<(Instant, ShownReaction)>,
    number: u64,
}

impl Reactions {
    pub(super) fn show(&mut self, from: PeerId, reaction: talk::Reaction) {
        if self.shown.len() == REACTIONS_SHOWN {
            self.shown.remove(0);
        }
        self.number += 1;
        let shown = ShownReaction { who: from.short(), reaction: from_net(reaction), number: self.number };
        self.shown.push((Instant::now(), shown));
    }

    /// True if one has faded.
    pub(super) fn pass_time(&mut self) -> bool {
        let before = self.shown.len();
        self.shown.retain(|(since, _)| since.elapsed() < REACTION_SHOWN);
        self.shown.len() != before
    }

    pub(super) fn shown(&self) -> Vec<ShownReaction> {
        self.shown.iter().map(|(_, shown)| shown.clone()).collect()
    }
}

const fn from_net(reaction: talk::Reaction) -> Reaction {
    match reaction {
        talk::Reaction::ThumbsUp => Reaction::Yes,
        talk::Reaction::ThumbsDown => Reaction::No,
        talk::Reaction::Clap => Reaction::Applause,
        talk::Reaction::Heart => Reaction::Heart,
        talk::Reaction::Laugh => Reaction::Laugh,
        talk::Reaction::Surprise => Reaction::Surprise,
    }
}

pub(super) const fn to_net(reaction: Reaction) -> talk::Reaction {
    match reaction {
        Reaction::Yes => talk::Reaction::ThumbsUp,
        Reaction::No => talk::Reaction::ThumbsDown,
        Reaction::Applause => talk::Reaction::Clap,
        Reaction::Heart => talk::Reaction::Heart,
        Reaction::Laugh => talk::Reaction::Laugh,
        Reaction::Surprise => talk::Reaction::Surprise,
    }
}

/// As the JSON lines call it.
pub(in crate::engine) const fn word(reaction: talk::Reaction) -> &'static str {
    match reaction {
        talk::Reaction::ThumbsUp => "yes",
        talk::Reaction::ThumbsDown => "no",
        talk::Reaction::Clap => "applause",
        talk::Reaction::Heart => "heart",
        talk::Reaction::Laugh => "laugh",
        talk::Reaction::Surprise => "surprise",
    }
}
