//! What the window remembers between two frames and the engine need not know: what is being typed, which panel is open,
//! what was answered a moment ago. Nothing here outlives the window.

use std::collections::{HashMap, HashSet};

use crate::engine::{Command, Snapshot, Stage, Who};

use super::pictures::Pictures;

/// How long a confirmation such as "Invite copied" stays, in seconds.
const CONFIRMATION_S: f64 = 4.0;
/// No name is longer, in characters; the room for it on a tile ends sooner.
pub(crate) const NAME_CHARS: usize = 40;
/// Anything longer is no invite; it is thrown away before it is looked at.
pub(crate) const INVITE_BYTES: usize = 8 * 1024;

/// The memory of the window.
#[derive(Default)]
pub struct UiState {
    pub(crate) name: String,
    /// The engine's name that we last looked at.
    name_known: Option<String>,
    /// The name that we last sent; it comes back with a snapshot.
    name_sent: Option<String>,
    pub(crate) name_missing: bool,
    pub(crate) invite: InviteField,
    pub(crate) panel: Panel,
    pub(crate) answered: HashSet<Who>,
    pub(crate) pictures: Pictures,
    tile_heights: HashMap<Who, u32>,
    confirmation: Option<(&'static str, f64)>,
}

/// The field for an invite. Whatever was pasted is never drawn.
#[derive(Default)]
pub(crate) struct InviteField {
    /// What is in the field, masked; emptied as soon as it is an invite.
    pub(crate) typed: String,
    /// An invite was pasted.
    pub(crate) pasted: Option<String>,
    /// What was pasted is none.
    pub(crate) foreign: bool,
}

/// What is open beside the tiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Panel {
    #[default]
    None,
    People,
    Words,
    Link(Who),
}

impl UiState {
    /// Takes over what the engine changed: a new name, people who left, knocks that are over.
    pub(crate) fn follow(&mut self, snapshot: &Snapshot) {
        if self.name_known.as_ref() != Some(&snapshot.name) {
            if self.name_sent.as_ref() != Some(&snapshot.name) {
                self.name.clone_from(&snapshot.name);
            }
            self.name_known = Some(snapshot.name.clone());
        }
        self.answered.retain(|who| snapshot.knocks.iter().any(|knock| knock.who == *who));
        self.tile_heights.retain(|who, _| snapshot.people.iter().any(|person| person.who == *who));
        if snapshot.stage != Stage::Meeting {
            self.panel = Panel::None;
        }
        if let Panel::Link(who) = &self.panel
            && !snapshot.people.iter().any(|person| person.who == *who)
        {
            self.panel = Panel::People;
        }
        if !matches!(snapshot.stage, Stage::Home | Stage::Ended(_)) {
            self.invite = InviteField::default();
        }
    }

    /// The name as it would be sent; asks for one if there is none.
    pub(crate) fn confirm_name(&mut self, snapshot: &Snapshot, commands: &mut Vec<Command>) -> bool {
        let name = self.name.trim().to_owned();
        self.name_missing = name.is_empty();
        if self.name_missing {
            return false;
        }
        if name != snapshot.name && self.name_sent.as_ref() != Some(&name) {
            self.name_sent = Some(name.clone());
            commands.push(Command::SetName(name));
        }
        true
    }

    /// Tells the engine how large somebody is drawn, if that changed. In steps, so that resizing the window is not a flood.
    pub(crate) fn report_tile(&mut self, who: &Who, height_px: f32, commands: &mut Vec<Command>) {
        const STEP: u32 = 16;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a height of a window, not negative"
        )]
        let height = (height_px.max(0.0) as u32).next_multiple_of(STEP);
        if self.tile_heights.get(who) != Some(&height) {
            self.tile_heights.insert(who.clone(), height);
            commands.push(Command::SetTileHeight { who: who.clone(), height });
        }
    }

    /// A command was lost on the way; what is only sent on change is sent again.
    pub(crate) fn forget_sent(&mut self) {
        self.tile_heights.clear();
        self.name_sent = None;
    }

    /// Shows a short confirmation for some seconds.
    pub(crate) fn confirm(&mut self, ctx: &egui::Context, sentence: &'static str) {
        self.confirmation = Some((sentence, ctx.input(|input| input.time) + CONFIRMATION_S));
    }

    /// The confirmation to show now; asks to be called again when it ends.
    pub(crate) fn confirmation(&mut self, ctx: &egui::Context) -> Option<&'static str> {
        let (sentence, until) = self.confirmation?;
        let left = until - ctx.input(|input| input.time);
        if left <= 0.0 {
            self.confirmation = None;
            return None;
        }
        ctx.request_repaint_after_secs(left as f32);
        Some(sentence)
    }
}

impl InviteField {
    /// Looks at what stands in the field now.
    pub(crate) fn changed(&mut self) {
        const SCHEME: &str = "conclave:";
        /// A shorter text cannot hold a key and an address: somebody is typing.
        const SHORTEST: usize = 40;
        let text = self.typed.trim();
        if text.len() > INVITE_BYTES {
            *self = Self { foreign: true, ..Self::default() };
        } else if text.starts_with(SCHEME) && text.len() >= SHORTEST {
            *self = Self { pasted: Some(text.to_owned()), ..Self::default() };
        } else {
            let beginning = SCHEME.starts_with(text) || text.starts_with(SCHEME);
            self.foreign = !beginning;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> InviteField {
        let mut field = InviteField { typed: text.to_owned(), ..InviteField::default() };
        field.changed();
        field
    }

    #[test]
    fn an_invite_is_taken_out_of_the_field_at_once() {
        let invite = format!("  conclave:{}\n", "A".repeat(60));
        let field = after(&invite);
        assert_eq!(field.pasted.as_deref(), Some(invite.trim()));
        assert!(field.typed.is_empty() && !field.foreign);
    }

    #[test]
    fn something_else_is_told_apart_from_typing() {
        assert!(after("https://example.org/meeting").foreign);
        assert!(after(&"x".repeat(INVITE_BYTES + 1)).foreign);
        assert!(after(&"x".repeat(INVITE_BYTES + 1)).typed.is_empty());
        for typing in ["", "c", "conclave:", "conclave:AB"] {
            assert!(!after(typing).foreign && after(typing).pasted.is_none());
        }
    }
}
