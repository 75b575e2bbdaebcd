//! What a network says about a datagram without dropping it: explicit congestion notification (RFC 3168). The codepoint itself
//! is set and read by whoever owns the sockets; the transport decides which datagrams may be marked and what a mark means.

/// The two bits of an IP header, as far as we use them. ECT(1) belongs to another experiment (RFC 9331) and is never sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ecn {
    /// Not-ECT: a full queue can only drop it.
    #[default]
    NotCapable,
    /// ECT: may be marked.
    Capable,
    /// CE: it met a queue.
    Congested,
}

impl Ecn {
    /// As a report carries it, two bits.
    pub(crate) const fn code(self) -> u64 {
        match self {
            Self::NotCapable => 0,
            Self::Capable => 1,
            Self::Congested => 2,
        }
    }

    /// Three means nothing yet, and counts as nothing said.
    pub(crate) const fn from_code(code: u64) -> Self {
        match code & 3 {
            1 => Self::Capable,
            2 => Self::Congested,
            _ => Self::NotCapable,
        }
    }
}
