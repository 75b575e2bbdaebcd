//! What a link does to packets, as whoever stands behind it sees it.

use std::sync::Arc;

use super::*;

fn ms(ms: u64) -> Instant {
    Instant::from_micros(ms * 1000)
}

fn kbps(kbps: u64) -> Capacity {
    Capacity::Rate(Bitrate::from_kbps(kbps))
}

fn link(profile: Profile) -> Link<u32> {
    Link::new(profile, Random::new(7))
}

/// Everything that ever arrives, with its time in milliseconds.
fn all(link: &mut Link<u32>) -> Vec<(u64, u32)> {
    let mut out = Vec::new();
    while let Some(at) = link.next_wake() {
        while let Some(delivery) = link.receive(at) {
            out.push((delivery.at.as_micros() / 1000, delivery.item));
        }
    }
    out
}

#[test]
fn a_bottleneck_delays_and_then_drops() {
    let queue = QueueBound::Time(Duration::from_millis(100));
    let mut link = link(Profile { capacity: kbps(1000), queue, ..Profile::default() });
    (0..50).for_each(|item| {
        link.send(ms(0), 1000, item);
    });
    let arrived = all(&mut link);
    // 1000 bytes take 8 ms; 13 fit the wait of 100 ms.
    assert_eq!(arrived.len(), 13);
    assert_eq!(arrived.last(), Some(&(13 * 8 + 10, 12)));
    let counters = link.take_counters();
    assert_eq!((counters.sent, counters.dropped_by_queue, counters.delivered), (50, 37, 13));
    assert_eq!(counters.queue_delay.longest(), Duration::from_millis(104));
    assert_eq!(counters.queue_delay.percentile(50), Duration::from_millis(56));
}

#[test]
fn a_queue_in_bytes() {
    let mut link = link(Profile { capacity: kbps(1000), queue: QueueBound::Bytes(3000), ..Profile::default() });
    let taken: Vec<bool> = (0..5).map(|item| link.send(ms(0), 1000, item)).collect();
    assert_eq!(taken, [true, true, true, false, false]);
    assert!(link.send(ms(8), 1000, 9), "one has left");
}

#[test]
fn a_change_of_rate_holds_for_what_waits() {
    let mut link = link(Profile { capacity: kbps(1000), ..Profile::default() });
    link.schedule(ms(12), Change::Capacity(kbps(100)));
    link.schedule(ms(92), Change::Capacity(kbps(1000)));
    (0..4).for_each(|item| {
        link.send(ms(0), 1000, item);
    });
    // The second is half done after 12 ms: 40 ms for the rest. The third is half done at 92 ms.
    assert_eq!(all(&mut link), [(18, 0), (62, 1), (106, 2), (114, 3)]);
}

#[test]
fn a_link_that_stands_still_goes_on_later() {
    let mut link = link(Profile { capacity: kbps(0), ..Profile::default() });
    assert!(link.send(ms(0), 1000, 1));
    assert_eq!(all(&mut link), []);
    link.change(ms(500), Change::Capacity(kbps(1000)));
    assert_eq!(all(&mut link), [(518, 1)]);
    link.change(ms(600), Change::Cut(true));
    assert!(!link.send(ms(600), 1000, 2));
    link.change(ms(700), Change::Cut(false));
    assert!(link.send(ms(700), 1000, 3));
}

#[test]
fn losses_are_as_often_as_told_and_bursts_are_bursts() {
    let run = |loss| {
        let mut link = link(Profile { loss, ..Profile::default() });
        let lost: Vec<bool> = (0..20_000).map(|item| !link.send(ms(0), 100, item)).collect();
        let share = lost.iter().filter(|lost| **lost).count() as f64 / 200.0;
        let runs = lost.chunk_by(|a, b| a == b).filter(|run| run[0]).count();
        (share, 20_000.0 * share / 100.0 / runs as f64)
    };
    let (share, length) = run(Loss::Uniform(10.0));
    assert!((9.0..11.0).contains(&share) && length < 1.3, "{share} {length}");
    let (share, length) = run(Loss::bursts(20.0, 3.0));
    assert!((18.0..22.0).contains(&share) && (2.6..3.4).contains(&length), "{share} {length}");
}

#[test]
fn jitter_reorders_only_where_told() {
    let run = |reorders| {
        let mut link = link(Profile { jitter: Duration::from_millis(20), reorders, ..Profile::default() });
        (0..500).for_each(|item| {
            link.send(ms(u64::from(item)), 100, item);
        });
        let arrived = all(&mut link);
        assert_eq!(arrived.len(), 500);
        arrived.is_sorted_by_key(|(_, item)| *item)
    };
    assert!(run(false));
    assert!(!run(true));
}

#[test]
fn copies_and_marks() {
    let marks_from = Some(Duration::from_millis(20));
    let mut link = link(Profile { duplicates: 100.0, capacity: kbps(1000), marks_from, ..Profile::default() });
    (0..4).for_each(|item| {
        link.send_as(ms(0), 1000, Ecn::Capable, item);
    });
    link.send(ms(0), 1000, 4);
    let mut marked = Vec::new();
    while let Some(at) = link.next_wake() {
        while let Some(delivery) = link.receive(at) {
            marked.push((delivery.item, delivery.ecn == Ecn::Congested));
        }
    }
    assert_eq!(marked.len(), 8, "what cannot be marked is dropped");
    assert!(marked.iter().all(|(item, marked)| *marked == (*item >= 2)), "{marked:?}");
    assert_eq!(link.counters().dropped_by_queue, 1);
    for (markable, expected) in [(Markable::Erased, Some(Ecn::NotCapable)), (Markable::Swallowed, None)] {
        let mut link = self::link(Profile { markable, ..Profile::default() });
        link.send_as(ms(0), 1000, Ecn::Capable, 0);
        assert_eq!(link.receive(ms(100)).map(|delivery| delivery.ecn), expected);
    }
}

#[test]
fn one_seed_is_one_fate() {
    let run = || {
        let loss = Loss::Uniform(30.0);
        let mut link = link(Profile { loss, jitter: Duration::from_millis(9), reorders: true, ..Profile::default() });
        (0..300).for_each(|item| {
            link.send(ms(u64::from(item)), 100, item);
        });
        all(&mut link)
    };
    assert_eq!(run(), run());
}

#[test]
fn a_trace_gives_room_when_it_had_room() {
    // Two opportunities at 5 ms, one at 20 ms, and again.
    let trace = Arc::new(Trace::parse("5\n5\n20\n").expect("good"));
    assert_eq!(trace.mean_rate(), Bitrate::from_bps(3 * 1504 * 8 * 50));
    let profile = Profile { capacity: Capacity::Trace(trace), delay: Duration::ZERO, ..Profile::default() };
    let mut link = link(profile);
    (0..4).for_each(|item| {
        link.send(ms(0), 752, item);
    });
    link.send(ms(0), 1000, 4);
    assert_eq!(all(&mut link), [(5, 0), (5, 1), (5, 2), (5, 3), (20, 4)]);
    // Room that nobody used is gone, and the period begins anew.
    link.send(ms(26), 1500, 5);
    assert_eq!(all(&mut link), [(40, 5)]);
}

#[test]
fn a_broken_trace_is_a_sentence() {
    assert_eq!(Trace::parse("1\nx\n"), Err(TraceError::NotANumber { line: 2 }));
    assert_eq!(Trace::parse("-4"), Err(TraceError::NotANumber { line: 1 }));
    assert_eq!(Trace::parse("4\n\n3"), Err(TraceError::GoesBack { line: 3 }));
    assert_eq!(Trace::parse("99999999999"), Err(TraceError::TooLate { line: 1 }));
    assert_eq!(Trace::parse("0\n0\n"), Err(TraceError::Empty));
    assert_eq!(Trace::parse(""), Err(TraceError::Empty));
    let sentence = Trace::parse("1\n2\n1").map_err(|error| error.to_string());
    assert_eq!(
        sentence.err().as_deref(),
        Some("line 3 of the trace goes back in time: the milliseconds must not fall from line to line")
    );
}
