//! The watch with a meter that hangs, and a call of two engines in which one's battery empties and is plugged in again: what
//! the other sees, and what the owner of the battery is told.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};

use conclave_media::{Sink, Source};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::statistics::ReceivedVideo;
use super::super::{Command, Engine, EngineConfig, EngineHandle, Report, ReportEvent};
use super::*;

const DEADLINE: Duration = Duration::from_secs(30);

const fn on_battery(percent: u8) -> Option<Charge> {
    Some(Charge { percent, discharging: true })
}

async fn answer(news: &mut mpsc::Receiver<News>) -> Option<Charge> {
    match timeout(DEADLINE, news.recv()).await.expect("an answer in time").expect("the sender lives") {
        News::Charge(charge) => charge,
        _ => panic!("other news"),
    }
}

/// A watch whose meter answers one question for each piece that is sent, and counts the questions.
fn watch() -> (PowerWatch, std::sync::mpsc::SyncSender<Option<Charge>>, Arc<AtomicUsize>) {
    let (say, said) = sync_channel(8);
    let (said, asked) = (Mutex::new(said), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    let meter = PowerMeter::new(Duration::from_secs(30), move || {
        count.fetch_add(1, Ordering::SeqCst);
        said.lock().unwrap_or_else(PoisonError::into_inner).recv().unwrap_or_default()
    });
    (PowerWatch::new(Some(meter)), say, asked)
}

#[tokio::test]
async fn the_battery_is_asked_for_only_while_others_see_us_and_seldom() {
    let (mut watch, say, asked) = watch();
    let (news, mut queue) = NewsSender::new(8);
    let start = Instant::now();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    for percent in [20, 16] {
        say.send(on_battery(percent)).expect("room");
    }
    assert!(!watch.pass_time(at(0), false, &news));
    assert!(!watch.pass_time(at(1), true, &news));
    let charge = answer(&mut queue).await;
    assert!(watch.answered(at(1), charge));
    assert_eq!((watch.power(), asked.load(Ordering::SeqCst)), (Power::Low, 1));
    for seconds in 2..31 {
        assert!(!watch.pass_time(at(seconds), true, &news), "asked a moment ago");
    }
    assert!(!watch.pass_time(at(31), true, &news));
    let charge = answer(&mut queue).await;
    assert!(!watch.answered(at(31), charge), "lower, but no further step");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert!(watch.pass_time(at(40), false, &news), "the camera is off");
    assert_eq!((watch.power(), watch.trouble()), (Power::Plenty, None));
}

#[tokio::test]
async fn a_computer_without_battery_is_hardly_asked_again() {
    let (mut watch, say, asked) = watch();
    let (news, mut queue) = NewsSender::new(8);
    let start = Instant::now();
    say.send(None).expect("room");
    assert!(!watch.pass_time(start, true, &news));
    let charge = answer(&mut queue).await;
    assert!(!watch.answered(start, charge));
    for seconds in 1..600 {
        // Cameras go off and on in the meantime.
        assert!(!watch.pass_time(start + Duration::from_secs(seconds), seconds % 60 > 5, &news));
    }
    assert!(matches!(watch.question, Question::Answered(at) if at == start));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_driver_that_hangs_costs_one_thread_and_no_picture() {
    let (mut watch, say, asked) = watch();
    let (news, mut queue) = NewsSender::new(8);
    let start = Instant::now();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    say.send(on_battery(10)).expect("room");
    assert!(!watch.pass_time(at(0), true, &news));
    let charge = answer(&mut queue).await;
    assert!(watch.answered(at(0), charge));
    assert!(!watch.pass_time(at(30), true, &news), "asked again");
    assert_eq!(watch.power(), Power::VeryLow, "the driver may take a moment");
    assert!(watch.pass_time(at(41), true, &news));
    assert_eq!((watch.power(), watch.trouble()), (Power::Plenty, None), "nothing is known any more");
    for seconds in 42..1_000 {
        assert!(!watch.pass_time(at(seconds), seconds % 60 > 5, &news));
    }
    assert!(matches!(watch.question, Question::Hangs));
    say.send(on_battery(9)).expect("room");
    let charge = answer(&mut queue).await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert!(watch.answered(at(1_000), charge), "it came back");
    assert_eq!(watch.power(), Power::VeryLow);
}

/// Somebody in a meeting, without sound.
struct Somebody {
    engine: EngineHandle,
    reports: mpsc::Receiver<Report>,
}

impl Somebody {
    fn start(name: &str, folder: &Path, camera: Source, power: Option<PowerMeter>, first: Command) -> Self {
        let (reporter, reports) = mpsc::channel(4096);
        let config = EngineConfig {
            name: name.to_owned(),
            data_dir: folder.join(name),
            camera,
            microphone: Source::None,
            speaker: Sink::None,
            width: 320,
            height: 180,
            fps: 30,
            admit_all: true,
            power,
            reporter: Some(reporter),
            ..EngineConfig::default()
        };
        let engine = Engine::start(config, || {});
        for command in [first, Command::Enter] {
            engine.send(command).expect("the queue is empty");
        }
        Self { engine, reports }
    }

    /// The first event that `pick` takes.
    async fn wait<T>(&mut self, what: &str, mut pick: impl FnMut(ReportEvent) -> Option<T>) -> T {
        let found = async {
            loop {
                let report = self.reports.recv().await.expect("the engine runs");
                if let Some(found) = pick(report.event) {
                    return found;
                }
            }
        };
        timeout(DEADLINE, found).await.unwrap_or_else(|_| panic!("{what} did not come"))
    }

    /// Until what comes of the other's pictures is so.
    async fn sees(&mut self, what: &str, is: impl Fn(&ReceivedVideo) -> bool) {
        let seen = |event| match event {
            ReportEvent::Stats(stats) => {
                stats.people.first().is_some_and(|person| is(&person.received.video)).then_some(())
            }
            _ => None,
        };
        self.wait(what, seen).await;
    }

    /// What is on show about the battery: what to do.
    fn shown(&self) -> Vec<String> {
        let notices = self.engine.snapshot().notices.clone();
        notices.into_iter().filter(|notice| notice.what.contains("battery")).map(|notice| notice.remedy).collect()
    }

    async fn is_told(&mut self, what: &str) {
        let told = |event| match event {
            ReportEvent::Error { what, .. } if what.contains("battery") => Some(what),
            _ => None,
        };
        assert_eq!(self.wait(what, told).await, what);
    }
}

#[tokio::test]
async fn while_a_battery_is_low_others_see_less_and_its_owner_knows_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let charge = Arc::new(Mutex::new(on_battery(60)));
    let set = |new| *charge.lock().unwrap_or_else(PoisonError::into_inner) = new;
    let gauge = Arc::clone(&charge);
    let meter = PowerMeter::new(limits::SECOND, move || *gauge.lock().unwrap_or_else(PoisonError::into_inner));
    let mut ann = Somebody::start("Ann", folder.path(), Source::Test, Some(meter), Command::PrepareNew);
    let invite = ann.wait("an invite", |event| match event {
        ReportEvent::Invite { invite } => Some(invite),
        _ => None,
    });
    let first = Command::PrepareJoin { invite: invite.await };
    let mut ben = Somebody::start("Ben", folder.path(), Source::None, None, first);
    ben.sees("the whole picture", |video| video.frame_height == 180).await;
    assert!(ann.shown().is_empty());
    set(on_battery(28));
    ann.is_told("Your battery is low (28 %), so your picture is smaller.").await;
    ben.sees("a smaller picture", |video| video.frame_height == 90).await;
    set(on_battery(14));
    ann.is_told("Your battery is nearly empty (14 %), so your picture is smaller and moves less smoothly.").await;
    ben.sees("fewer pictures", |video| video.frame_height == 90 && video.frames_per_second < 20.0).await;
    assert_eq!(ann.shown(), ["Plug in for the full picture."], "the newer one in the place of the older");
    set(Some(Charge { percent: 14, discharging: false }));
    ben.sees("the whole picture again", |video| video.frame_height == 180).await;
    assert!(ann.shown().is_empty());
}
