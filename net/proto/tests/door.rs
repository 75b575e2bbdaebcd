//! The door: which invites open it, what a knocker is told, and that neither strangers with an invite nor crowds of them find
//! out anything about the room or disturb it.

mod common;

use std::time::Duration;

use common::{TestResult, World, config};
use conclave_proto::core::{Command, CommandError, Core, Event, InviteUnavailable, Refusal};
use conclave_proto::ids::PeerId;
use conclave_proto::limits;
use conclave_proto::room::{InviteOptions, MemberRole, Rule};

const ONE_PERSON: InviteOptions = InviteOptions { lifetime: Duration::from_secs(3600), single_use: true };

fn knocks(world: &World, n: usize, who: PeerId) -> usize {
    world.count(n, |e| matches!(e, Event::Knock { who: knocker, .. } if *knocker == who))
}

/// Knocks with a copy of the invite; what comes of it within a few seconds.
fn outcome(
    world: &mut World,
    seed: u64,
    invite: &conclave_proto::invite::Invite,
) -> Result<Option<Refusal>, Box<dyn std::error::Error>> {
    let n = world.join_with(seed, "Somebody", invite.clone())?;
    let who = world.id(n);
    world.until(4, |w| knocks(w, 0, who) > 0 || w.saw(n, |e| matches!(e, Event::Refused(_))));
    Ok(world.nodes[n].events.iter().find_map(|(_, event)| match event {
        Event::Refused(refusal) => Some(*refusal),
        _ => None,
    }))
}

#[test]
fn an_invite_opens_until_its_time_is_over_by_the_doors_clock() -> TestResult {
    let mut world = World::founded(1)?;
    world.command(0, Command::SetUnixTime(1_900_000_000));
    let invite = world.invite_to(0, InviteOptions { lifetime: Duration::from_secs(60), single_use: false })?;
    assert_eq!(invite.ticket.expires_unix_s, 1_900_000_060);
    assert_eq!(outcome(&mut world, 2, &invite)?, None);
    world.run(Duration::from_secs(50));
    assert_eq!(outcome(&mut world, 3, &invite)?, None, "for as many as come");
    world.run(Duration::from_secs(12));
    assert_eq!(outcome(&mut world, 4, &invite)?, Some(Refusal::InviteExpired));
    // A ticket that was made to last longer is none that the door made.
    let mut longer = invite;
    longer.ticket.expires_unix_s += 3600;
    assert_eq!(outcome(&mut world, 5, &longer)?, Some(Refusal::InviteRejected));
    let week = world.invite_to(0, InviteOptions { lifetime: Duration::MAX, single_use: false })?;
    assert!(week.ticket.expires_unix_s <= 1_900_000_100 + limits::INVITE_LIFETIME_MAX.as_secs());
    Ok(())
}

#[test]
fn an_invite_for_one_person_lets_one_in_and_nobody_after() -> TestResult {
    let mut world = World::founded(1)?;
    let invite = world.invite_to(0, ONE_PERSON)?;
    let ben = world.join_with(2, "Ben", invite.clone())?;
    let eve = world.join_with(3, "Eve", invite.clone())?;
    let (ben_id, eve_id) = (world.id(ben), world.id(eve));
    assert!(world.until(5, |w| knocks(w, 0, ben_id) == 1 && knocks(w, 0, eve_id) == 1), "both may knock");
    world.command(0, Command::Admit(ben_id));
    assert!(world.until(2, |w| w.saw(ben, |e| matches!(e, Event::Admitted))));
    assert!(world.saw(0, |e| matches!(e, Event::KnockGone(who) if *who == eve_id)));
    assert!(world.until(2, |w| w.saw(eve, |e| matches!(e, Event::Refused(Refusal::InviteRevoked)))));
    assert_eq!(outcome(&mut world, 4, &invite)?, Some(Refusal::InviteRevoked));
    let mut reusable = invite;
    reusable.ticket.single_use = false;
    assert_eq!(outcome(&mut world, 5, &reusable)?, Some(Refusal::InviteRejected), "it cannot be made one for many");
    Ok(())
}

#[test]
fn rotating_and_removing_make_every_earlier_invite_void() -> TestResult {
    let mut world = World::founded(1)?;
    let ben = world.enter(2, "Ben")?;
    let ben_id = world.id(ben);
    let first = world.invite()?;
    let waiting = world.join_with(3, "Cleo", first.clone())?;
    let cleo = world.id(waiting);
    assert!(world.until(5, |w| knocks(w, 0, cleo) == 1));
    world.command(0, Command::RotateInvite);
    assert!(world.saw(0, |e| matches!(e, Event::InvitesRevoked)));
    assert!(world.until(2, |w| w.saw(waiting, |e| matches!(e, Event::Refused(Refusal::InviteRevoked)))));
    assert_eq!(outcome(&mut world, 4, &first)?, Some(Refusal::InviteRevoked));
    let second = world.invite()?;
    assert_ne!(first.ticket.epoch, second.ticket.epoch);
    assert_eq!(outcome(&mut world, 5, &second)?, None);
    world.command(0, Command::Remove(ben_id));
    assert_eq!(outcome(&mut world, 6, &second)?, Some(Refusal::InviteRevoked));
    let third = world.invite()?;
    assert_eq!(outcome(&mut world, 7, &third)?, None);
    Ok(())
}

#[test]
fn nobody_may_knock_at_a_locked_room() -> TestResult {
    let mut world = World::founded(1)?;
    let ben = world.enter(2, "Ben")?;
    let waiting = world.join(3, "Cleo")?;
    let cleo = world.id(waiting);
    assert!(world.until(5, |w| knocks(w, 0, cleo) == 1));
    world.command(0, Command::SetRule(Rule::Locked, true));
    let invite = world.invite()?;
    assert_eq!(outcome(&mut world, 4, &invite)?, Some(Refusal::Locked));
    assert!(world.saw(waiting, |e| matches!(e, Event::Refused(Refusal::Locked))));
    assert!(world.saw(0, |e| matches!(e, Event::KnockGone(who) if *who == cleo)));
    let anna = world.id(0);
    let told =
        |e: &Event| matches!(e, Event::Rules { rules, changed } if rules.locked && *changed == [(Rule::Locked, anna)]);
    assert!(world.until(2, |w| w.saw(ben, told)), "everybody sees who locked it");
    world.command(0, Command::SetRule(Rule::Locked, false));
    assert_eq!(outcome(&mut world, 5, &invite)?, None, "the invite is as good as before");
    Ok(())
}

#[test]
fn another_admin_has_a_door_of_its_own_and_loses_it_with_the_office() -> TestResult {
    let mut world = World::founded(1)?;
    let ben = world.enter(2, "Ben")?;
    let (now, addresses, ben_id) = (world.now, vec![world.nodes[ben].address], world.id(ben));
    let none = world.nodes[ben].core.invite(now, InviteOptions::default(), addresses);
    assert_eq!(none, Err(InviteUnavailable::NotAdmin));
    world.command(0, Command::SetRole(ben_id, MemberRole::Admin));
    let role = |e: &Event| matches!(e, Event::RoleChanged { who, role: MemberRole::Admin, .. } if *who == ben_id);
    assert!(world.until(2, |w| w.saw(ben, role) && w.saw(0, role)));
    let invite = world.invite_to(ben, InviteOptions::default())?;
    let cleo = world.join_with(3, "Cleo", invite.clone())?;
    let cleo_id = world.id(cleo);
    assert!(world.until(5, |w| knocks(w, ben, cleo_id) == 1));
    assert_eq!(knocks(&world, 0, cleo_id), 0, "who invited answers");
    world.command(ben, Command::Admit(cleo_id));
    assert!(world.until(5, |w| w.saw(0, |e| matches!(e, Event::Joined { who, .. } if *who == cleo_id))));
    world.command(0, Command::SetRole(ben_id, MemberRole::Member));
    world.run(Duration::from_secs(1));
    let late = world.join_with(4, "Dora", invite)?;
    assert!(world.until(4, |w| w.saw(late, |e| matches!(e, Event::Refused(Refusal::InviteRevoked)))));
    Ok(())
}

#[test]
fn a_blocked_device_does_not_knock_again_with_any_invite_or_key() -> TestResult {
    let mut world = World::founded(1)?;
    let ben = world.enter(4, "Ben")?;
    let eve = world.join(2, "Eve")?;
    let eve_id = world.id(eve);
    assert!(world.until(5, |w| knocks(w, 0, eve_id) == 1));
    world.command(0, Command::Block(eve_id));
    assert!(world.until(2, |w| w.saw(eve, |e| matches!(e, Event::Refused(Refusal::Denied)))));
    // The same device with a fresh meeting key, as another start of the program has it.
    let mut again = config(3, "Eva")?;
    again.device = config(2, "Eve")?.device;
    let core = Core::join(again, world.invite()?, world.now);
    let eva = world.add(core);
    let eva_id = world.id(eva);
    assert!(world.until(5, |w| w.saw(eva, |e| matches!(e, Event::Refused(Refusal::Denied)))));
    assert_eq!(knocks(&world, 0, eva_id), 0, "nobody is asked again");
    let (ben_id, stranger) = (world.id(ben), PeerId([9; 32]));
    assert_eq!(world.nodes[0].core.handle_command(world.now, Command::Block(stranger)), Err(CommandError::NoSuchPeer));
    world.command(0, Command::Block(ben_id));
    assert!(world.until(2, |w| w.saw(ben, |e| matches!(e, Event::Refused(Refusal::Removed)))), "a member is put out");
    Ok(())
}

#[test]
fn who_was_let_in_and_missed_the_news_gets_in_with_the_same_invite() -> TestResult {
    let mut world = World::founded(1)?;
    let invite = world.invite_to(0, ONE_PERSON)?;
    let ben = world.join_with(2, "Ben", invite)?;
    let ben_id = world.id(ben);
    assert!(world.until(5, |w| knocks(w, 0, ben_id) == 1));
    world.cut = true;
    world.command(0, Command::Admit(ben_id));
    world.command(0, Command::SetRule(Rule::Locked, true));
    world.run(Duration::from_secs(6));
    world.forget_events();
    // Both have given the path up. It heals, or a stream opens anew.
    world.cut = false;
    assert!(world.until(20, |w| w.saw(ben, |e| matches!(e, Event::Admitted))));
    Ok(())
}
