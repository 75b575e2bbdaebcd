//! What is said of slow connections, and about whose. Pure: words for `tile`, the list of people and the panel of a person.
//!
//! The core tells that a path between two carries too little, not at which end. With one other nobody can know; if several
//! others come short and none comes whole, it is our own; also while the engine has some give way to others.

use crate::engine::{Person, Shortfall, Snapshot};

/// Pictures of others come short because of our own connection, as far as can be known.
pub(super) fn is_ours(snapshot: &Snapshot) -> bool {
    let mut sending = snapshot.people.iter().filter(|person| person.camera_on && person.silent_for.is_none());
    snapshot.gives_way || sending.clone().count() > 1 && sending.all(|person| person.shortfall != Shortfall::Nothing)
}

/// For a tile: in a few words, since the name stands beside them. Nothing about a person whose pictures come whole, and
/// nothing about anybody if it is our connection: that stands on our own picture.
pub(super) fn on_tile(snapshot: &Snapshot, person: &Person) -> Option<String> {
    let less = less(person)?;
    (!is_ours(snapshot)).then(|| format!("Slow connection: {less}"))
}

/// For our own tile.
pub(super) fn on_own_tile(snapshot: &Snapshot) -> Option<String> {
    is_ours(snapshot).then(|| "Your connection is slow".to_owned())
}

/// For the panel of a person.
pub(super) fn sentence(snapshot: &Snapshot, person: &Person) -> Option<String> {
    let less = less(person)?;
    let name = &person.name;
    Some(if is_ours(snapshot) {
        format!("Your connection is slow: {less}. It gets better by itself when the connection does.")
    } else if snapshot.people.len() == 1 {
        format!("The connection with {name} is slow: {less}. It gets better by itself when the connection does.")
    } else {
        format!("{name}'s connection is slow: {less}. It gets better by itself when the connection does.")
    })
}

/// What comes instead of the whole picture.
fn less(person: &Person) -> Option<&'static str> {
    let shortfall = person.shortfall;
    if !person.camera_on || person.silent_for.is_some() {
        return None;
    }
    match shortfall {
        Shortfall::Nothing => None,
        Shortfall::Smaller => Some("smaller picture"),
        Shortfall::Fewer => Some("fewer pictures"),
        Shortfall::NoPictures => Some("sound only"),
    }
}

/// What somebody gets of our pictures, for the panel.
pub(super) const fn they_see(shortfall: Shortfall) -> &'static str {
    match shortfall {
        Shortfall::Nothing => "as they want",
        Shortfall::Smaller => "a smaller picture",
        Shortfall::Fewer => "fewer pictures",
        Shortfall::NoPictures => "no picture, sound only",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::scenes;

    #[test]
    fn it_is_said_about_whose_connection_it_is() {
        let mut snapshot = scenes::meeting(3);
        snapshot.people.iter_mut().for_each(|person| person.camera_on = true);
        let name = snapshot.people[1].name.clone();
        snapshot.people[1].shortfall = Shortfall::Smaller;
        let said = |snapshot: &Snapshot, place: usize| sentence(snapshot, &snapshot.people[place]).unwrap_or_default();
        assert!(said(&snapshot, 1).starts_with(&format!("{name}'s connection is slow: smaller picture.")));
        assert_eq!((said(&snapshot, 0), on_own_tile(&snapshot)), (String::new(), None));
        assert_eq!(on_tile(&snapshot, &snapshot.people[1]).as_deref(), Some("Slow connection: smaller picture"));

        snapshot.people[0].shortfall = Shortfall::NoPictures;
        snapshot.people[2].shortfall = Shortfall::Fewer;
        assert!(said(&snapshot, 0).starts_with("Your connection is slow: sound only."));
        assert_eq!(on_own_tile(&snapshot).as_deref(), Some("Your connection is slow"));
        assert_eq!(on_tile(&snapshot, &snapshot.people[1]), None, "said once, not on every tile");

        snapshot.people.iter_mut().for_each(|person| person.shortfall = Shortfall::Nothing);
        snapshot.people[0].shortfall = Shortfall::Smaller;
        snapshot.gives_way = true;
        assert_eq!(
            on_own_tile(&snapshot).as_deref(),
            Some("Your connection is slow"),
            "though others come as asked for"
        );
        assert_eq!(on_tile(&snapshot, &snapshot.people[0]), None);
        snapshot.gives_way = false;

        snapshot.people.truncate(1);
        assert!(said(&snapshot, 0).starts_with("The connection with "), "with one other nobody can know");
        snapshot.people[0].camera_on = false;
        assert_eq!(said(&snapshot, 0), "", "who sends nothing comes short of nothing");
    }
}
