//! Who is here and who they are: the list, what admins may do, the door, the words, and warnings about names.

use std::time::Duration;

use conclave::engine::{Command, InviteWish, Rule, Standing};
use conclave::gui::scenes;
use egui::accesskit::Role;
use egui::{Key, Modifiers, Vec2, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{asked, everything_said, key, press, scene, scene_at, shown_at};

/// So that nothing has to be scrolled to.
const TALL: Vec2 = vec2(1000.0, 1500.0);

#[test]
fn the_list_tells_who_is_here_away_admin_verified_and_muted() {
    let mut window = scene("people");
    let said = everything_said(&window);
    for line in ["Admin · Verified · Muted", "Hand raised, number 1", "Away, comes back without a knock", "Applause"]
    {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(window.query_by_label("LAN only: 12\u{2009}345 sent on this network, 0 refused.").is_some());
    press(&mut window, "Lower the hand of Alan Turing");
    press(&mut window, "Ask everybody to mute");
    asked(&mut window, &[Command::LowerHand("alan".to_owned()), Command::AskToMute(None)]);
}

#[test]
fn an_admin_asks_to_mute_and_changes_who_is_an_admin() {
    let mut window = scene("people");
    press(&mut window, "Open Grace Hopper");
    press(&mut window, "Ask to mute");
    press(&mut window, "No longer an admin");
    asked(
        &mut window,
        &[Command::AskToMute(Some("grace".to_owned())), Command::SetAdmin { who: "grace".to_owned(), admin: false }],
    );
    press(&mut window, "Back to people");
    press(&mut window, "Open Alan Turing");
    press(&mut window, "Lower the hand");
    press(&mut window, "Make an admin");
    asked(
        &mut window,
        &[Command::LowerHand("alan".to_owned()), Command::SetAdmin { who: "alan".to_owned(), admin: true }],
    );
}

#[test]
fn nobody_is_removed_without_a_second_yes() {
    let mut window = scene("person");
    press(&mut window, "Remove from the meeting");
    assert!(window.query_by_label_contains("Remove Bo?").is_some());
    asked(&mut window, &[]);
    press(&mut window, "Cancel");
    assert!(window.query_by_label_contains("Remove Bo?").is_none());
    press(&mut window, "Remove from the meeting");
    key(&mut window, Key::Escape, Modifiers::NONE);
    assert!(window.query_by_label_contains("Remove Bo?").is_none());
    assert!(window.query_by_label("Send a file").is_some(), "the first Escape leaves the panel open");
    press(&mut window, "Remove from the meeting");
    press(&mut window, "Remove");
    asked(&mut window, &[Command::Remove("bo".to_owned())]);
}

#[test]
fn a_question_comes_into_view_with_the_keyboard_on_cancel() {
    let mut window = scene_at(vec2(360.0, 300.0), "person");
    let remove = window.get_by_role_and_label(Role::Button, "Remove from the meeting");
    remove.scroll_to_me();
    window.run();
    press(&mut window, "Remove from the meeting");
    window.run();
    let cancel = window.get_by_role_and_label(Role::Button, "Cancel");
    assert!(cancel.is_focused());
    let rect = cancel.rect();
    assert!(rect.top() > 0.0 && rect.bottom() < 240.0, "{rect:?}");
    key(&mut window, Key::Enter, Modifiers::NONE);
    assert!(window.query_by_label_contains("Remove Bo?").is_none());
    asked(&mut window, &[]);
}

#[test]
fn somebody_away_can_be_removed_too() {
    let mut window = scene("people");
    press(&mut window, "Open Cy Twombly");
    assert!(window.query_by_role_and_label(Role::Button, "Ask to mute").is_none());
    press(&mut window, "Remove from the meeting");
    press(&mut window, "Remove");
    asked(&mut window, &[Command::Remove("cy".to_owned())]);
}

#[test]
fn who_is_no_admin_sees_the_rules_and_changes_nothing() {
    let mut window = scene("door-member");
    assert!(window.get_by_role_and_label(Role::Switch, "Lock the door").accesskit_node().is_disabled());
    assert!(window.query_by_label_contains("Nobody can knock").is_some());
    assert!(window.query_by_label("Revoke all invites").is_none());
    press(&mut window, "People");
    press(&mut window, "Open Bo");
    assert!(window.query_by_label("Remove from the meeting").is_none());
    assert!(window.query_by_label("Make an admin").is_none());
    asked(&mut window, &[]);
}

#[test]
fn a_file_for_one_person_begins_at_them() {
    let mut window = scene("person");
    press(&mut window, "Send a file");
    window.state_mut().state.files_chosen(vec!["/data/a.pdf".into()]);
    window.run();
    press(&mut window, "Offer");
    asked(&mut window, &[Command::OfferFile { who: Some("bo".to_owned()), path: "/data/a.pdf".into() }]);
}

#[test]
fn the_door_has_rules_special_invites_and_a_way_to_revoke_all() {
    let mut window = scene_at(TALL, "door");
    for (name, rule, on) in [
        ("Lock the door", Rule::Locked, true),
        ("Verified people need not wait", Rule::ContactsSkipLobby, false),
        ("Newcomers start muted", Rule::MuteOnEntry, true),
        ("Newcomers may read back", Rule::History, true),
    ] {
        window.get_by_role_and_label(Role::Switch, name).click();
        window.run();
        asked(&mut window, &[Command::SetRule(rule, on)]);
    }
    let wish = |single_use, minutes: u64| {
        Command::CopySpecialInvite(InviteWish { single_use, lifetime: Duration::from_secs(60 * minutes) })
    };
    press(&mut window, "Copy this invite");
    asked(&mut window, &[wish(false, 15)]);
    window.get_by_role_and_label(Role::Switch, "For one person only").click();
    window.run();
    window.get_by_role_and_label(Role::ComboBox, "Lives for").click();
    window.run();
    press(&mut window, "1 day");
    press(&mut window, "Copy this invite");
    asked(&mut window, &[wish(true, 24 * 60)]);
    press(&mut window, "Revoke all invites");
    press(&mut window, "Cancel");
    asked(&mut window, &[]);
    press(&mut window, "Revoke all invites");
    press(&mut window, "Revoke");
    asked(&mut window, &[Command::RevokeInvites]);
}

#[test]
fn a_locked_door_gives_no_invites() {
    let mut window = scene_at(TALL, "door");
    window.state_mut().snapshot.room.rules.locked = true;
    window.run();
    assert!(window.get_by_role_and_label(Role::Button, "Copy this invite").accesskit_node().is_disabled());
}

#[test]
fn why_the_words_are_new_is_told_until_they_were_looked_at() {
    for size in [vec2(360.0, 300.0), vec2(1040.0, 720.0)] {
        let (snapshot, state) = scenes::scene("words-news").expect("a scene of this name");
        let mut window = shown_at(size, snapshot, state);
        press(&mut window, "Alan Turing joined. The words are new. Look at the words");
        asked(&mut window, &[Command::WordsSeen]);
        window.run();
        window.state_mut().snapshot.room.words_news = None;
        window.run();
        asked(&mut window, &[]);
        assert!(window.query_by_label("Alan Turing joined. The words are new.").is_some(), "as long as they are open");
        key(&mut window, Key::Escape, Modifiers::NONE);
        key(&mut window, Key::W, Modifiers::NONE);
        assert!(window.query_by_label("velvet").is_some());
        assert!(window.query_by_label("Alan Turing joined. The words are new.").is_none());
    }
}

#[test]
fn comparing_the_words_verifies_person_by_person() {
    let mut window = scene("meeting-3");
    key(&mut window, Key::W, Modifiers::NONE);
    press(&mut window, "Compare words");
    assert!(window.query_by_label("Step 1 of 2").is_some() && window.query_by_label("velvet").is_some());
    press(&mut window, "Everybody heard them");
    press(&mut window, "Same words as Bo");
    asked(&mut window, &[Command::Verify("bo".to_owned())]);
    assert!(window.query_by_role_and_label(Role::Button, "Same words as Bo").is_none(), "said once");
    assert!(window.query_by_role_and_label(Role::Button, "Same words as Grace Hopper").is_some());
    press(&mut window, "Done");
    assert!(window.query_by_label("velvet").is_some());
}

#[test]
fn different_words_are_explained_with_a_way_out() {
    let mut window = scene("compare-people");
    press(&mut window, "Different words than Bo");
    assert!(window.query_by_label_contains("somebody sits between you").is_some());
    press(&mut window, "Read them again");
    assert!(window.query_by_label("Step 1 of 2").is_some());
    press(&mut window, "Everybody heard them");
    press(&mut window, "Different words than Bo");
    press(&mut window, "Leave the meeting");
    asked(&mut window, &[Command::Leave]);
}

#[test]
fn words_that_change_meanwhile_are_compared_anew() {
    let mut window = scene("compare-people");
    let words = ["other", "velvet", "canyon", "ribbon", "thunder", "almond"].map(str::to_owned);
    window.state_mut().snapshot.words = Some(words);
    window.run();
    assert!(window.query_by_label_contains("the words changed").is_some());
    assert!(window.query_by_label("other").is_some());
    assert!(window.query_by_role_and_label(Role::Button, "Same words as Bo").is_none());
}

#[test]
fn a_known_name_with_another_key_is_loud_wherever_it_shows() {
    let mut window = scene("warning");
    assert!(window.query_by_label("This is not the Bo you verified").is_some(), "over the tiles");
    assert!(everything_said(&window).contains("Not the Bo you verified · "), "at the tile");
    press(&mut window, "Put away: This is not the Bo you verified");
    assert!(window.query_by_label("This is not the Bo you verified").is_none());
    assert!(everything_said(&window).contains("Not the Bo you verified"), "never silent");
    press(&mut window, "Show Bo");
    assert!(window.query_by_label("This is not the Bo you verified").is_some(), "at the person");
    press(&mut window, "Compare words");
    press(&mut window, "Everybody heard them");
    assert!(window.query_by_label("This is not the Bo you verified").is_some(), "before they are verified");
}

#[test]
fn knocks_say_whether_we_know_them_and_can_be_blocked() {
    let mut window = scene("knock-verified");
    assert!(window.query_by_label("Verified: you compared words with them.").is_some());
    press(&mut window, "Block");
    asked(&mut window, &[Command::Block("cy".to_owned())]);
    assert!(window.query_by_label("Cy Twombly knocks").is_none());

    let mut window = scene("knock-name");
    assert!(window.query_by_label("Not the Cy Twombly you verified").is_some());
    press(&mut window, "Turn away");
    asked(&mut window, &[Command::Deny("cy".to_owned())]);

    let mut window = scene("knock-verified");
    window.state_mut().snapshot.knocks[0].standing = Standing::VerifiedAs("Cyrus".to_owned());
    window.run();
    assert!(window.query_by_label("Verified. You know this device as Cyrus.").is_some());
}

#[test]
fn enter_never_lets_somebody_in_by_accident() {
    let mut window = scene("knock");
    key(&mut window, Key::Enter, Modifiers::NONE);
    key(&mut window, Key::Space, Modifiers::NONE);
    asked(&mut window, &[]);
}
