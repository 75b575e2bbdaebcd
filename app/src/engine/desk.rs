//! Everything that leaves the engine: snapshots, replies, reports. None of it ever blocks.

use std::sync::Arc;

use conclave_media::clock;
use tokio::sync::{mpsc, watch};

use super::Reply;
use super::notices::{Fault, Trouble};
use super::report::{EndReason, Report, ReportEvent, Reporter};
use super::snapshot::{Snapshot, Stage};

/// The ways out.
pub(super) struct Desk {
    snapshots: watch::Sender<Arc<Snapshot>>,
    replies: mpsc::Sender<Reply>,
    wake: Box<dyn Fn() + Send + Sync>,
    reporter: Option<Reporter>,
    generation: u64,
}

impl Desk {
    pub(super) fn new(
        snapshots: watch::Sender<Arc<Snapshot>>,
        replies: mpsc::Sender<Reply>,
        wake: Box<dyn Fn() + Send + Sync>,
        reporter: Option<Reporter>,
    ) -> Self {
        Self { snapshots, replies, wake, reporter, generation: 0 }
    }

    /// A newer snapshot for whoever draws.
    pub(super) fn publish(&mut self, mut snapshot: Snapshot) {
        self.generation += 1;
        snapshot.generation = self.generation;
        self.snapshots.send_replace(Arc::new(snapshot));
        (self.wake)();
    }

    /// The engine's thread got no runtime: nothing will ever happen, so it says why.
    pub(super) fn cannot_start(mut self, error: &std::io::Error) {
        let what = format!("Conclave cannot start: the system gives it no resources ({error}).");
        let notice = Trouble::new(what, Fault::Ours, "Close other programs and start it again.").notice(0);
        self.report(ReportEvent::from(&notice));
        self.report(ReportEvent::Ended { reason: EndReason::Failed });
        self.publish(Snapshot { stage: Stage::Ended(notice), ..Snapshot::default() });
    }

    /// An answer for the window only; nobody waiting for it is no harm.
    pub(super) fn reply(&self, reply: Reply) {
        if self.replies.try_send(reply).is_ok() {
            (self.wake)();
        }
    }

    /// An event that happened now.
    pub(super) fn report(&self, event: ReportEvent) {
        self.report_at(clock::to_unix_us(clock::now_us()), event);
    }

    /// An event that happened at another moment (a picture is shown a little after it is known).
    pub(super) fn report_at(&self, unix_us: u64, event: ReportEvent) {
        if let Some(reporter) = &self.reporter
            && reporter.try_send(Report { unix_us, event }).is_err()
        {
            tracing::warn!("nobody reads the reports; one was dropped");
        }
    }

    /// Whether anybody wants reports.
    pub(super) const fn reports(&self) -> bool {
        self.reporter.is_some()
    }
}
