//! Whole nodes on loopback: a meeting is made, joined, left; and what goes wrong on the way. Every wait has a deadline.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use bytes::Bytes;
use conclave_net::{MediaEvent, Node, NodeError, NodeEvent, Role};
use conclave_proto::core::{Command, Event, LeaveReason, Refusal};
use conclave_proto::frames::{AudioFrame, SpatialLayer, VideoCodec, VideoFrame, Wish};
use conclave_proto::invite::Invite;
use conclave_proto::room::InviteOptions;

use crate::support::{self, Party, config, wait_for};

fn sound(sequence: u32) -> AudioFrame {
    AudioFrame {
        sequence,
        position: u64::from(sequence) * 960,
        level: 90,
        is_copy: false,
        payload: Bytes::from(vec![7; 80]),
    }
}

fn picture(number: u32) -> VideoFrame {
    VideoFrame {
        layer: SpatialLayer::Small,
        temporal: 0,
        number,
        // A key frame every half second: the first may come before the wish.
        needs_back: u8::from(!number.is_multiple_of(15)),
        codec: VideoCodec::Av1,
        captured_us: u64::from(number) * 33_333,
        width: 320,
        height: 180,
        payload: Bytes::from(vec![number as u8; 3000]),
    }
}

/// Sends sound every 20 ms until `heard` says it has what it waits for.
async fn talk(from: &Party, to: &mut Party, first: u32, mut heard: impl FnMut(&MediaEvent) -> bool) -> u32 {
    let mut clock = tokio::time::interval(Duration::from_millis(20));
    let mut sequence = first;
    wait_for("sound", async {
        loop {
            tokio::select! {
                _ = clock.tick() => {
                    from.node.command(Command::SendAudio(sound(sequence))).expect("the driver keeps up");
                    sequence += 1;
                }
                event = to.events.media.recv() => {
                    if heard(&event.expect("the node runs")) {
                        return;
                    }
                }
            }
        }
    })
    .await;
    sequence
}

/// Sends pictures of the small layer until one arrives whole.
async fn show(from: &Party, to: &mut Party) -> VideoFrame {
    let wish = Wish { layer: Some(SpatialLayer::Small), full_frame_rate: true };
    to.node.command(Command::SetWish(from.who, wish)).expect("the driver keeps up");
    let mut clock = tokio::time::interval(Duration::from_millis(33));
    let mut number = 0;
    wait_for("a picture", async {
        loop {
            tokio::select! {
                _ = clock.tick() => {
                    from.node.command(Command::SendVideo(picture(number))).expect("the driver keeps up");
                    number += 1;
                }
                event = to.events.media.recv() => {
                    if let MediaEvent::Video(_, frame) = event.expect("the node runs") {
                        return frame;
                    }
                }
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_call_from_the_invite_to_the_goodbye() {
    let (mut ada, mut bob) = support::call("Ada", "Bob").await;
    talk(&ada, &mut bob, 0, |event| matches!(event, MediaEvent::Audio(_, frame) if frame.payload == sound(0).payload))
        .await;
    talk(&bob, &mut ada, 0, |event| matches!(event, MediaEvent::Audio(..))).await;
    let seen = show(&ada, &mut bob).await;
    assert_eq!(seen, picture(seen.number));
    let seen = show(&bob, &mut ada).await;
    assert_eq!(seen, picture(seen.number));
    let stats = wait_for("statistics", async {
        // Statistics are asked for, never announced: looked at again and again until the deadline.
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        loop {
            looks.tick().await;
            if let Some((_, stats)) = ada.node.stats().into_iter().find(|(_, stats)| stats.received_audio.frames > 0) {
                return stats;
            }
        }
    })
    .await;
    assert!(stats.address.is_some() && stats.sent_audio.frames > 0);
    let bob_is = bob.who;
    drop(bob);
    let left = ada.event(|event| match event {
        Event::Left { who, reason } if *who == bob_is => Some(*reason),
        _ => None,
    });
    assert_eq!(left.await, LeaveReason::Left);
}

#[tokio::test]
async fn a_knocker_gets_nothing_but_the_lobby() {
    let mut ada = support::make("Ada").await;
    let mut eve = support::knock("Eve", ada.invite()).await;
    let (who, name) = ada.knock().await;
    assert_eq!(name, "Eve");
    eve.event(|event| matches!(event, Event::Waiting).then_some(())).await;
    for sequence in 0..50 {
        ada.node.command(Command::SendAudio(sound(sequence))).expect("the driver keeps up");
    }
    ada.node.command(Command::Admit(who)).expect("the driver keeps up");
    // Everything that Eve is told before she is let in.
    loop {
        match eve.next().await {
            NodeEvent::Core(Event::Admitted) => break,
            NodeEvent::Core(event) => panic!("in the lobby: {event:?}"),
            NodeEvent::Ready { .. } | NodeEvent::Warning(_) => {}
        }
    }
    eve.who = who;
    ada.joined().await;
    eve.joined().await;
    talk(&ada, &mut eve, 1000, |event| match event {
        MediaEvent::Audio(_, frame) => {
            assert!(frame.sequence >= 1000, "sound from before she was let in");
            true
        }
        MediaEvent::Video(..) => panic!("nobody sent a picture"),
    })
    .await;
}

#[tokio::test]
async fn who_is_turned_away_hears_so() {
    let mut ada = support::make("Ada").await;
    let mut eve = support::knock("Eve", ada.invite()).await;
    let (who, _) = ada.knock().await;
    ada.node.command(Command::Deny(who)).expect("the driver keeps up");
    assert_eq!(eve.refused().await, Refusal::Denied);
    eve.event(|event| matches!(event, Event::Closed).then_some(())).await;
    assert!(wait_for("the end", eve.events.control.recv()).await.is_none(), "nothing follows the end");
}

#[tokio::test]
async fn a_forged_invite_is_turned_away_at_the_door() {
    let mut ada = support::make("Ada").await;
    let mut forged = ada.invite();
    forged.secret.0[0] ^= 1;
    let mut eve = support::knock("Eve", forged).await;
    assert_eq!(eve.refused().await, Refusal::InviteRejected);
    assert!(ada.events.control.try_recv().map_or(true, |event| !matches!(event, NodeEvent::Core(Event::Knock { .. }))));
}

#[tokio::test]
async fn nobody_at_the_invites_address() {
    let ada = support::make("Ada").await;
    let mut invite = ada.invite();
    drop(ada);
    // Bound, so that nobody else is there; silent.
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    invite.addresses = vec![silent.local_addr().expect("bound")];
    let mut bob = support::knock("Bob", invite).await;
    assert_eq!(bob.refused().await, Refusal::Unreachable);
}

#[tokio::test]
async fn lan_only_meets_on_loopback_and_says_what_it_held_back() {
    let mut ada = support::make_with("Ada", |config| config.lan_only = true).await;
    let mut invite = ada.invite();
    invite.addresses.insert(0, "198.51.100.1:7".parse().expect("an address"));
    let mut bob = support::knock_with("Bob", invite, |config| config.lan_only = true).await;
    let (who, _) = ada.knock().await;
    ada.node.command(Command::Admit(who)).expect("the driver keeps up");
    bob.who = who;
    ada.joined().await;
    bob.joined().await;
    talk(&ada, &mut bob, 0, |event| matches!(event, MediaEvent::Audio(..))).await;
}

#[tokio::test]
async fn a_port_in_use_is_a_clear_error() {
    let taken = UdpSocket::bind("0.0.0.0:0").expect("a port");
    let port = taken.local_addr().expect("bound").port();
    let mut config = config("Ada", Role::New);
    config.port = port;
    let error = Node::start(config).await.expect_err("the port is taken");
    assert!(matches!(error, NodeError::PortInUse(taken) if taken == port));
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

#[tokio::test]
async fn the_wanted_port_is_the_one_that_is_used() {
    let port = UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.local_addr()).expect("a port").port();
    let ada = support::make_with("Ada", |config| config.port = port).await;
    assert!(ada.addresses.iter().all(|address| address.port() == port));
    assert!(ada.addresses.last().expect("loopback").ip().is_loopback());
}

#[tokio::test]
async fn garbage_for_the_core_gets_no_answer() {
    let ada = support::make("Ada").await;
    let address = SocketAddr::from(([127, 0, 0, 1], ada.addresses[0].port()));
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    stranger.set_nonblocking(true).expect("a socket");
    for first in 0..0x40 {
        for length in [1, 16, 32, 33, 1200, 1472] {
            stranger.send_to(&vec![first; length], address).expect("sent");
        }
    }
    // The driver reads its sockets before it answers the second question, and sends before that what came of them.
    assert!(ada.node.invite(InviteOptions::default()).is_some() && ada.node.invite(InviteOptions::default()).is_some());
    let answer = stranger.recv_from(&mut [0; 2000]).map_err(|error| error.kind());
    assert_eq!(answer, Err(std::io::ErrorKind::WouldBlock));
}

#[tokio::test]
async fn only_who_opened_the_meeting_can_invite() {
    let (ada, bob) = support::call("Ada", "Bob").await;
    assert!(ada.node.invite(InviteOptions::default()).expect("an admin").parse::<Invite>().is_ok());
    assert_eq!(bob.node.invite(InviteOptions::default()), None);
}

#[tokio::test]
async fn the_session_outlives_its_libp2p_connection() {
    let mut ada = support::make("Ada").await;
    let ada_at = SocketAddr::from(([127, 0, 0, 1], ada.addresses[0].port()));
    let relay = support::Relay::start(ada_at).await;
    let mut invite = ada.invite();
    invite.addresses = vec![relay.address];
    let mut bob = support::knock("Bob", invite).await;
    let (who, _) = ada.knock().await;
    ada.node.command(Command::Admit(who)).expect("the driver keeps up");
    bob.who = who;
    ada.joined().await;
    bob.joined().await;
    relay.cut_quic();
    // Longer than QUIC's idle timeout of ten seconds: by then the connection is dead at both ends.
    let end = std::time::Instant::now() + Duration::from_secs(13);
    let next = talk(&ada, &mut bob, 0, |_| std::time::Instant::now() > end).await;
    assert!(next > 500, "sound flowed all the time");
    talk(&bob, &mut ada, 0, |event| matches!(event, MediaEvent::Audio(..))).await;
    assert!(relay.quic_seen(), "signalling went through the relay");
}
