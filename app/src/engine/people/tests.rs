//! What is wished of people who come, are drawn, are pinned and leave: without a network, which would only pass it on.

use conclave_media::audio::AudioConfig;
use conclave_media::{Sink, Source};

use super::*;

struct Room {
    people: People,
    audio: Arc<AudioEngine>,
}

impl Room {
    fn of(people: u8) -> Self {
        let silent = AudioConfig { microphone: Source::None, speaker: Sink::None, ..AudioConfig::default() };
        let audio = Arc::new(AudioEngine::start(silent, Box::new(|_| {})).expect("a thread for sound"));
        let (news, _) = NewsSender::new(limits::NEWS);
        let mut room = Self { people: People::new(&Arc::default(), &news, &EngineConfig::default()), audio };
        (1..=people).for_each(|number| room.joins(number));
        room
    }

    fn joins(&mut self, number: u8) {
        let device = DevicePublicKey([number; 32]);
        let trouble = self.people.joined(PeerId([number; 32]), format!("Person {number}"), device, &self.audio);
        assert!(trouble.is_none(), "{trouble:?}");
    }

    /// The layers asked for, in order.
    fn layers(&self) -> Vec<Option<SpatialLayer>> {
        self.people.members.iter().map(|member| member.wished.and_then(|wish| wish.layer)).collect()
    }
}

fn who(number: u8) -> Who {
    PeerId([number; 32]).short()
}

#[test]
fn wishes_follow_the_tiles() {
    let mut room = Room::of(2);
    assert_eq!(room.layers(), [Some(SpatialLayer::Full); 2], "until somebody says how they are drawn");
    room.people.set_tile_height(who(1), 720);
    room.people.set_tile_height(who(2), 112);
    assert_eq!(room.layers(), [Some(SpatialLayer::Full), Some(SpatialLayer::Small)]);
    room.people.set_tile_height(who(1), 0);
    assert_eq!(room.layers(), [None, Some(SpatialLayer::Small)]);
}

#[tokio::test]
async fn one_who_is_here_is_pinned_until_they_leave() {
    let mut room = Room::of(3);
    assert!(!room.people.pin(Some(who(9))) && room.people.pinned().is_none(), "nobody of that name");
    assert!(room.people.pin(Some(who(1))) && room.people.pin(Some(who(2))), "one at a time");
    assert!(!room.people.pin(Some(who(9))));
    assert_eq!(room.people.pinned(), Some(&who(2)), "who is not here changes nothing");
    room.people.left(PeerId([1; 32]), &room.audio);
    assert_eq!(room.people.pinned(), Some(&who(2)));
    room.people.left(PeerId([2; 32]), &room.audio);
    assert_eq!(room.people.pinned(), None);
    room.joins(2);
    assert_eq!(room.people.pinned(), None, "who comes again is as new");
    assert!(room.people.pin(Some(who(2))) && room.people.pin(None));
    assert_eq!(room.people.pinned(), None);
}
