//! One signed operation on the membership, and its wire form:
//! `author 32 | count u8 | parents 32 each | kind u8 | body | signature 64`. The id is a hash of all but the signature; the
//! meeting's id is that of its `Create`, so whoever holds an invite can check the whole history against it.

use crate::crypto::hash;
use crate::ids::{DevicePublicKey, MeetingId, PeerId};
use crate::keys::{MeetingKey, SIGNATURE_BYTES, Signature, verify};
use crate::limits::PARENTS;
use crate::room::{MemberRole, Rule};
use crate::wire::{Malformed, Reader};
use crate::words::MemberKeys;

/// Names an operation by its content.
pub(crate) type OpId = [u8; 32];

/// What an operation does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The first of a meeting: its author is the first member and admin.
    Create { nonce: [u8; 16], device: DevicePublicKey, noise_static: [u8; 32] },
    /// Lets somebody in.
    Admit(MemberKeys),
    /// Puts somebody out.
    Remove(PeerId),
    /// The author goes.
    Leave,
    /// Makes a member an admin, or an admin a plain member.
    SetRole(PeerId, MemberRole),
    /// Every invite made so far opens nothing any more.
    RotateInvite,
    /// Switches a rule of the room.
    Rule(Rule, bool),
}

const CREATE: u8 = 1;
const ADMIT: u8 = 2;
const REMOVE: u8 = 3;
const LEAVE: u8 = 4;
const SET_ROLE: u8 = 5;
const ROTATE_INVITE: u8 = 6;
const RULE: u8 = 7;

/// An operation with its author's signature. Whoever makes one from bytes has checked nothing but its form yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Op {
    pub(crate) author: PeerId,
    pub(crate) parents: Vec<OpId>,
    pub(crate) action: Action,
    signature: Signature,
}

impl Op {
    pub(crate) fn create(key: &MeetingKey, nonce: [u8; 16], device: DevicePublicKey, noise_static: [u8; 32]) -> Self {
        Self::sign(key, None, Vec::new(), Action::Create { nonce, device, noise_static })
    }

    pub(crate) fn sign(key: &MeetingKey, meeting: Option<MeetingId>, parents: Vec<OpId>, action: Action) -> Self {
        let mut op = Self { author: key.peer_id(), parents, action, signature: [0; SIGNATURE_BYTES] };
        op.signature = key.sign(&op.statement(meeting));
        op
    }

    /// Whether the author signed it for this meeting (`None` for a `Create`, which makes one).
    pub(crate) fn is_signed(&self, meeting: MeetingId) -> bool {
        let meeting = (!matches!(self.action, Action::Create { .. })).then_some(meeting);
        verify(&self.author.0, &self.statement(meeting), &self.signature)
    }

    pub(crate) fn id(&self) -> OpId {
        hash("conclave operation id", &[&self.content()])
    }

    /// Of a `Create`: the meeting that it makes.
    pub(crate) fn meeting(&self) -> MeetingId {
        let id = self.id();
        MeetingId(std::array::from_fn(|at| id[at]))
    }

    fn statement(&self, meeting: Option<MeetingId>) -> [u8; 32] {
        let meeting = meeting.map(|meeting| meeting.0);
        hash("conclave operation", &[meeting.as_ref().map_or(&[][..], |id| id), &self.content()])
    }

    fn content(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(&self.author.0);
        // At most `PARENTS`, which fits a byte.
        out.push(u8::try_from(self.parents.len()).unwrap_or(u8::MAX));
        out.extend(self.parents.iter().flatten());
        match &self.action {
            Action::Create { nonce, device, noise_static } => {
                out.push(CREATE);
                out.extend_from_slice(nonce);
                out.extend_from_slice(&device.0);
                out.extend_from_slice(noise_static);
            }
            Action::Admit(keys) => {
                out.push(ADMIT);
                out.extend_from_slice(&keys.peer.0);
                out.extend_from_slice(&keys.device.0);
                out.extend_from_slice(&keys.noise_static);
            }
            Action::Remove(target) => {
                out.push(REMOVE);
                out.extend_from_slice(&target.0);
            }
            Action::Leave => out.push(LEAVE),
            Action::SetRole(target, role) => {
                out.push(SET_ROLE);
                out.extend_from_slice(&target.0);
                out.push(match role {
                    MemberRole::Admin => 1,
                    MemberRole::Member => 2,
                });
            }
            Action::RotateInvite => out.push(ROTATE_INVITE),
            Action::Rule(rule, on) => out.extend_from_slice(&[RULE, rule.code(), u8::from(*on)]),
        }
        out
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.content());
        out.extend_from_slice(&self.signature);
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let author = PeerId(reader.array()?);
        let count = usize::from(reader.u8()?);
        if count > PARENTS {
            return Err(Malformed::OutOfRange);
        }
        let parents = (0..count).map(|_| reader.array()).collect::<Result<Vec<_>, _>>()?;
        let action = match reader.u8()? {
            CREATE => Action::Create {
                nonce: reader.array()?,
                device: DevicePublicKey(reader.array()?),
                noise_static: reader.array()?,
            },
            ADMIT => Action::Admit(MemberKeys {
                peer: PeerId(reader.array()?),
                device: DevicePublicKey(reader.array()?),
                noise_static: reader.array()?,
            }),
            REMOVE => Action::Remove(PeerId(reader.array()?)),
            LEAVE => Action::Leave,
            SET_ROLE => {
                let target = PeerId(reader.array()?);
                let role = match reader.u8()? {
                    1 => MemberRole::Admin,
                    2 => MemberRole::Member,
                    _ => return Err(Malformed::UnknownCode),
                };
                Action::SetRole(target, role)
            }
            ROTATE_INVITE => Action::RotateInvite,
            RULE => {
                let rule = Rule::from_code(reader.u8()?).ok_or(Malformed::UnknownCode)?;
                match reader.u8()? {
                    0 => Action::Rule(rule, false),
                    1 => Action::Rule(rule, true),
                    _ => return Err(Malformed::UnknownCode),
                }
            }
            _ => return Err(Malformed::UnknownCode),
        };
        // Only a Create begins a history; all else builds on something.
        if matches!(action, Action::Create { .. }) != parents.is_empty() {
            return Err(Malformed::OutOfRange);
        }
        Ok(Self { author, parents, action, signature: reader.array()? })
    }
}
