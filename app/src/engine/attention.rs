//! Who gives way when what reaches us is short: decides what is wished of everybody at once. Pure: told the time, who speaks,
//! who is pinned and what the senders say. Kept by `people`, which sends the wishes; what a sender affords is `core/video`'s.
//!
//! That a path carries too little is known, at which of its ends is not. When the pictures of two people come short at once
//! it is most likely ours. Then, if one of them speaks or is pinned, those who do neither are asked for a layer less, after
//! another while for the base pictures alone, so that what comes through goes to whom one looks at. After some quiet it is
//! lifted, step by step. Nobody's picture is turned off by it, and with one other person there is nothing to decide.

use std::time::{Duration, Instant};

use conclave_proto::frames::{SpatialLayer, Wish};
use conclave_proto::ids::PeerId;

use super::Shortfall;

/// A shorter dip is the senders' own affair: they go down at once and up after as long.
const LASTS: Duration = Duration::from_secs(2);
/// From one step to the next: a layer changes at a key frame, and an estimate takes seconds to find what was made free.
const APART: Duration = Duration::from_secs(5);
/// Quiet before a step is lifted ...
const QUIET: Duration = Duration::from_secs(10);
/// ... and at most, doubled each time it was too early: each try costs some seconds of worse pictures, so one in forty.
const QUIET_MOST: Duration = Duration::from_secs(160);
/// What comes short again so soon after a step was lifted, does so because of it.
const TOO_EARLY: Duration = Duration::from_secs(15);
/// Without any step for so long, the next one begins with the short quiet again.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// Who comes short for so long although the others give way, and those come whole, has a slow connection of their own.
const IN_VAIN: Duration = Duration::from_secs(10);

/// Longer than a cough.
const WORD: Duration = Duration::from_millis(600);
/// Between two sentences. Nobody takes the place of who pauses no longer than this.
const PAUSE: Duration = Duration::from_secs(3);
/// Who spoke before the last one is still part of the conversation for so long.
const CONVERSATION: Duration = Duration::from_secs(10);
/// A conversation has two at a time; with more of them there would be little to gain from the others.
const SPEAKERS: usize = 2;

/// One person as things are now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) who: PeerId,
    /// The layer that fills their tile; `None`: hidden.
    pub(super) fills: Option<SpatialLayer>,
    pub(super) pinned: bool,
    pub(super) speaking: bool,
    /// How their side says the pictures come; `None`: it sends none.
    pub(super) pictures: Option<Shortfall>,
}

/// What those give up who are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Less {
    Nothing,
    /// A layer.
    Size,
    /// A layer and every other picture.
    SizeAndRate,
}

impl Less {
    const fn more(self) -> Option<Self> {
        match self {
            Self::Nothing => Some(Self::Size),
            Self::Size => Some(Self::SizeAndRate),
            Self::SizeAndRate => None,
        }
    }

    const fn lifted(self) -> Self {
        match self {
            Self::SizeAndRate => Self::Size,
            Self::Size | Self::Nothing => Self::Nothing,
        }
    }

    /// Never more than fills the tile, never nothing for who is drawn.
    fn of(self, fills: Option<SpatialLayer>) -> Wish {
        let layer = if self == Self::Nothing { fills } else { fills.map(smaller) };
        Wish { layer, full_frame_rate: self != Self::SizeAndRate }
    }
}

const fn smaller(layer: SpatialLayer) -> SpatialLayer {
    match layer {
        SpatialLayer::Full => SpatialLayer::Medium,
        SpatialLayer::Medium | SpatialLayer::Small => SpatialLayer::Small,
    }
}

/// What is known of one person's voice and path.
#[derive(Debug)]
struct Voice {
    who: PeerId,
    /// Without a pause; `None`: silent.
    speaks_since: Option<Instant>,
    /// Coughs do not count.
    last_word: Option<Instant>,
    /// Is one of the speakers.
    speaker: bool,
    /// Comes short whatever the others give up, so it says nothing about what reaches us.
    excused: bool,
}

impl Voice {
    fn is_silent_for(&self, now: Instant, time: Duration) -> bool {
        self.last_word.is_none_or(|word| now.saturating_duration_since(word) >= time)
    }

    /// Since when it would like to be a speaker.
    fn claims(&self, now: Instant) -> Option<Instant> {
        self.speaks_since.filter(|since| !self.speaker && now.saturating_duration_since(*since) >= WORD)
    }
}

/// One whose pictures should come.
#[derive(Clone, Copy, Debug)]
struct Sending {
    who: PeerId,
    /// Speaks or is pinned.
    first: bool,
    short: bool,
}

/// Keeps what it takes to decide calmly.
#[derive(Debug)]
pub(super) struct Attention {
    voices: Vec<Voice>,
    less: Less,
    /// When that changed ...
    changed: Instant,
    /// ... and that it became less.
    lifted: bool,
    /// Since when it is our side that is short; `None`: it is not.
    pressed: Option<Instant>,
    /// When it last was, or a step was taken.
    stirred: Instant,
    patience: Duration,
}

impl Attention {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            voices: Vec::new(),
            less: Less::Nothing,
            changed: now,
            lifted: false,
            pressed: None,
            stirred: now,
            patience: QUIET,
        }
    }

    /// What is wished of these people from now on, in their order. To be called some times a second and on every change.
    pub(super) fn look(&mut self, now: Instant, people: &[Seen]) -> Vec<Wish> {
        self.listen(now, people);
        self.choose_speakers(now);
        let speaks = |who: PeerId| self.voices.iter().any(|voice| voice.who == who && voice.speaker);
        let first: Vec<bool> = people.iter().map(|seen| seen.pinned || speaks(seen.who)).collect();
        let sending: Vec<Sending> = people
            .iter()
            .zip(&first)
            .filter(|(seen, _)| seen.fills.is_some())
            .filter_map(|(seen, first)| {
                let pictures = seen.pictures?;
                Some(Sending { who: seen.who, first: *first, short: pictures != Shortfall::Nothing })
            })
            .collect();
        self.weigh(now, &sending);
        let less = |first: bool| if first { Less::Nothing } else { self.less };
        people.iter().zip(first).map(|(seen, first)| less(first).of(seen.fills)).collect()
    }

    /// Somebody is asked for less than fills the tile.
    pub(super) fn gives_way(&self) -> bool {
        self.less != Less::Nothing
    }

    fn listen(&mut self, now: Instant, people: &[Seen]) {
        self.voices.retain(|voice| people.iter().any(|seen| seen.who == voice.who));
        for seen in people {
            let Some(voice) = self.voices.iter_mut().find(|voice| voice.who == seen.who) else {
                let speaks_since = seen.speaking.then_some(now);
                let voice = Voice { who: seen.who, speaks_since, last_word: None, speaker: false, excused: false };
                self.voices.push(voice);
                continue;
            };
            if !seen.speaking {
                voice.speaks_since = None;
            } else if now.saturating_duration_since(*voice.speaks_since.get_or_insert(now)) >= WORD {
                voice.last_word = Some(now);
            }
        }
    }

    /// The latest, at most half of all, so that somebody is left to give way. The last one who spoke stays one.
    fn choose_speakers(&mut self, now: Instant) {
        let most = (self.voices.len() / 2).clamp(1, SPEAKERS);
        let latest = self.voices.iter().filter(|voice| voice.speaker).filter_map(|voice| voice.last_word).max();
        for voice in self.voices.iter_mut().filter(|voice| voice.speaker && voice.last_word < latest) {
            voice.speaker = !voice.is_silent_for(now, CONVERSATION);
        }
        while self.speakers().count() > most
            && let Some(place) = self.least_recent()
        {
            self.voices[place].speaker = false;
        }
        // Who began first comes first. Each turn gives one claimant a place, so it ends.
        while let Some(claimant) = self.claimant(now) {
            if self.speakers().count() == most {
                let Some(place) = self.least_recent().filter(|place| self.voices[*place].is_silent_for(now, PAUSE))
                else {
                    return;
                };
                self.voices[place].speaker = false;
            }
            self.voices[claimant].speaker = true;
        }
    }

    fn speakers(&self) -> impl Iterator<Item = &Voice> {
        self.voices.iter().filter(|voice| voice.speaker)
    }

    fn claimant(&self, now: Instant) -> Option<usize> {
        let claims = self.voices.iter().enumerate().filter_map(|(place, voice)| Some((voice.claims(now)?, place)));
        claims.min().map(|(_, place)| place)
    }

    /// The speaker whose last word is longest ago.
    fn least_recent(&self) -> Option<usize> {
        let speakers = self.voices.iter().enumerate().filter(|(_, voice)| voice.speaker);
        speakers.min_by_key(|(_, voice)| voice.last_word).map(|(place, _)| place)
    }

    /// Takes a step if it is time for one.
    fn weigh(&mut self, now: Instant, sending: &[Sending]) {
        let somebody_gains = sending.iter().any(|one| one.first) && sending.iter().any(|one| !one.first);
        if !somebody_gains {
            if self.less != Less::Nothing {
                self.turn(now, Less::Nothing);
            }
            self.pressed = None;
            return;
        }
        if self.is_pressed(sending) {
            self.stirred = now;
            let lasts = now.saturating_duration_since(*self.pressed.get_or_insert(now));
            self.bear(now, lasts, sending);
        } else {
            self.pressed = None;
            let unchanged = now.saturating_duration_since(self.changed);
            if self.less == Less::Nothing {
                if unchanged >= FORGOTTEN {
                    self.patience = QUIET;
                }
            } else if now.saturating_duration_since(self.stirred) >= self.patience {
                self.turn(now, self.less.lifted());
            }
        }
    }

    /// Whether it is our side that is short, and who is looked at with it: else nobody gains. If nobody comes whole it surely
    /// is; once others gave way, who is looked at is the measure.
    fn is_pressed(&mut self, sending: &[Sending]) -> bool {
        for voice in &mut self.voices {
            voice.excused &= sending.iter().any(|one| one.who == voice.who && one.short);
        }
        if self.less == Less::Nothing && sending.iter().all(|one| one.short) {
            return true;
        }
        let excused = |who: PeerId| self.voices.iter().any(|voice| voice.who == who && voice.excused);
        let short: Vec<&Sending> = sending.iter().filter(|one| one.short && !excused(one.who)).collect();
        short.iter().any(|one| one.first) && (short.len() > 1 || self.less != Less::Nothing)
    }

    /// It has been short for so long.
    fn bear(&mut self, now: Instant, lasts: Duration, sending: &[Sending]) {
        let unchanged = now.saturating_duration_since(self.changed);
        if lasts < LASTS || unchanged < APART {
            return;
        }
        let Some(more) = self.less.more() else {
            // If even now nobody comes whole, it is our side, and what was given up is all there is to give.
            if lasts >= IN_VAIN && sending.iter().any(|one| !one.short) {
                for voice in &mut self.voices {
                    voice.excused |= sending.iter().any(|one| one.who == voice.who && one.first && one.short);
                }
            }
            return;
        };
        if self.less == Less::Nothing {
            self.voices.iter_mut().for_each(|voice| voice.excused = false);
        }
        if self.lifted && unchanged <= TOO_EARLY {
            self.patience = (self.patience * 2).min(QUIET_MOST);
        }
        self.turn(now, more);
    }

    fn turn(&mut self, now: Instant, less: Less) {
        self.lifted = less < self.less;
        self.less = less;
        (self.changed, self.stirred, self.pressed) = (now, now, None);
    }
}

#[cfg(test)]
mod tests;
