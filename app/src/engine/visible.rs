//! People and meetings that made themselves visible on this network: listed on the home screen only, because looking
//! around is work.

use std::sync::Arc;

use conclave_net::{Browser, BrowserEvent, VisibleId};
use conclave_proto::ids::PeerId;

use super::limits;
use super::news::{News, NewsSender};
use super::notices::Trouble;
use super::snapshot::VisiblePeer;

/// The list, and who keeps it.
#[derive(Default)]
pub(super) struct Visible {
    browser: Option<Arc<Browser>>,
    found: Vec<(VisibleId, String)>,
    /// Ourselves, while we are visible at home.
    own: Option<PeerId>,
}

impl Visible {
    /// Starts looking around. Must run inside the engine's runtime.
    pub(super) fn look(&mut self, news: &NewsSender) -> Option<Trouble> {
        if self.browser.is_some() {
            return None;
        }
        match Browser::start() {
            Ok((browser, mut events)) => {
                let news = news.clone();
                // Ends when the browser is dropped, which closes its channel.
                tokio::spawn(async move {
                    while let Some(event) = events.recv().await {
                        news.send(News::Browser(event));
                    }
                });
                self.browser = Some(Arc::new(browser));
                None
            }
            Err(error) => Some(Trouble::from(&error)),
        }
    }

    /// Stops looking.
    pub(super) fn rest(&mut self) {
        self.browser = None;
        self.found.clear();
    }

    pub(super) fn news(&mut self, event: BrowserEvent) {
        match event {
            BrowserEvent::Found { id, name } => {
                if let Some((_, known)) = self.found.iter_mut().find(|(known, _)| *known == id) {
                    *known = name;
                } else if self.found.len() < limits::VISIBLE {
                    self.found.push((id, name));
                }
            }
            BrowserEvent::Gone { id } => self.found.retain(|(known, _)| *known != id),
        }
    }

    /// Who we are ourselves: not to be listed.
    pub(super) fn set_own(&mut self, own: Option<PeerId>) {
        self.own = own;
    }

    pub(super) fn list(&self) -> Vec<VisiblePeer> {
        let others = self.found.iter().filter(|(id, _)| Some(id.0) != self.own);
        others.map(|(id, name)| VisiblePeer { id: id.to_string(), name: name.clone() }).collect()
    }

    /// Whom a click meant, and whom to ask.
    pub(super) fn find(&self, id: &str) -> Option<(VisibleId, Arc<Browser>)> {
        let (found, _) = self.found.iter().find(|(known, _)| known.to_string() == id)?;
        Some((*found, Arc::clone(self.browser.as_ref()?)))
    }
}
