//! What befalls a person of a world: another network, a closed lid, death.

use std::net::SocketAddr;
use std::time::Duration;

use conclave_proto::core::Command;

use crate::world::World;

impl World {
    /// Another network: a new address, the old one answers no more, streams break.
    pub(crate) fn move_away(&mut self, n: usize) {
        if !self.nodes[n].alive {
            return;
        }
        self.moves += 1;
        let address = SocketAddr::from(([203, 0, 113, 7], 5000 + self.moves));
        self.nodes[n].address = address;
        self.break_streams(n);
        self.command(n, Command::SetLocalAddresses(vec![address]));
        self.command(n, Command::NetworkChanged);
    }

    /// Closes the lid.
    pub(crate) fn sleep(&mut self, n: usize) {
        self.break_streams(n);
        self.nodes[n].asleep = true;
    }

    /// Opens it. On some systems the clock stood still meanwhile.
    pub(crate) fn wake(&mut self, n: usize, stood_still: Option<Duration>) {
        self.nodes[n].asleep = false;
        if let Some(slept) = stood_still {
            self.nodes[n].lag += slept;
            if let Some((at, _)) = &mut self.nodes[n].wake {
                *at += slept;
            }
        }
        self.command(n, Command::NetworkChanged);
    }

    /// No word, no packet, never again.
    pub(crate) fn kill(&mut self, n: usize) {
        if self.log {
            eprintln!("{:>9} {n} dies", self.now.as_micros());
        }
        self.nodes[n].alive = false;
        self.nodes[n].wake = None;
        self.break_streams(n);
    }

    pub(crate) fn break_streams(&mut self, n: usize) {
        let broken: Vec<(usize, usize)> = self.streams.keys().filter(|(a, b)| *a == n || *b == n).copied().collect();
        for (a, b) in broken {
            self.close(a, b, true);
        }
    }
}
