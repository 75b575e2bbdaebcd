//! When two names look alike. A name proves nothing, so a stranger may take the name of somebody we know, or one that
//! passes for it on a screen. Pure. Called by `book`.
//!
//! Seen as alike: case, width and style of letters, letters of other alphabets that look the same (Unicode's list of
//! confusables, UTS #39), accents, spaces and punctuation, `I`, `l`, `1`, and `O`, `0`, `rn`, `m`. Not seen: a letter more or less, swapped
//! or left out, a similar word, one name spelled in two alphabets, `vv` for `w`, digits for sounds (`4nn`), and
//! additions such as "Ann (work)". Against all of those only the verified key helps.

use std::sync::Arc;

use conclave_proto::text::clean_name;
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::skeleton;

/// How a name looks. Small letters, capitals and the name as it is written have different doubles in other alphabets, so
/// there is one likeness for each; names are alike if one of them agrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Likeness([Arc<str>; 3]);

/// One of a name's likenesses: which, and how it looks. Names are alike if they have one in common.
pub(super) type Look = (usize, Arc<str>);

impl Likeness {
    /// `None` for somebody who gave no name: that is nobody's name.
    pub(super) fn of(name: &str) -> Option<Self> {
        let name = clean_name(name);
        if name == clean_name("") {
            return None;
        }
        let written: String = name.nfkc().collect();
        let capitals = written.to_uppercase();
        // Over the capitals, so that ß and ss, ſ and s, and both small sigmas fall together.
        let small: String = capitals.chars().flat_map(char::to_lowercase).collect();
        Some(Self([look(&written).into(), look(&capitals).into(), look(&small).into()]))
    }

    /// To find those that are alike.
    pub(super) fn looks(&self) -> impl Iterator<Item = Look> {
        self.0.iter().cloned().enumerate()
    }

    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, two)| one == two)
    }
}

fn look(text: &str) -> String {
    let plain: String =
        skeleton(text).flat_map(char::to_lowercase).nfd().filter(|c| !is_accent(*c)).map(merged).collect();
    let letters: String = plain.chars().filter(|c| c.is_alphanumeric()).collect();
    // A name of nothing but pictures or signs is told by those.
    if letters.is_empty() { plain } else { letters }
}

/// Accents of the alphabets that have small and capital letters. Marks of other scripts are vowels and make another word.
const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// What UTS #39 makes of `I`, `1` and `|` is a small l, of 0 an o; small i comes to it by way of the capital.
const fn merged(c: char) -> char {
    match c {
        'i' | '\u{131}' => 'l',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::Likeness;

    fn alike(one: &str, two: &str) -> bool {
        match (Likeness::of(one), Likeness::of(two)) {
            (Some(one), Some(two)) => one.is_like(&two),
            _ => false,
        }
    }

    #[test]
    fn names_that_pass_for_each_other_are_alike() {
        let pairs = [
            ("Ann", "ann"),
            ("Ann", " A n n. "),
            ("Ann", "\u{410}nn"),                   // Cyrillic A
            ("Bo", "\u{412}\u{43e}"),               // Cyrillic Ve, o
            ("BO", "\u{412}\u{41e}"),               // the same in capitals
            ("Ann", "\u{ff21}\u{ff4e}\u{ff4e}"),    // full width
            ("Ann", "\u{1d400}\u{1d427}\u{1d427}"), // mathematical bold
            ("Ann", "An\u{200d}n"),                 // a joiner that nobody sees
            ("Zo\u{eb}", "Zoe\u{308}"),
            ("Zo\u{eb}", "zoe"),
            ("Iris", "lris"),
            ("Iris", "1ris"),
            ("IRIS", "iris"),
            ("Bob", "B0b"),
            ("Arnie", "Amie"),
            ("Stra\u{df}er", "STRASSER"),
            ("\u{39d}\u{3af}\u{3ba}\u{3bf}\u{3c2}", "\u{39d}\u{399}\u{39a}\u{39f}\u{3a3}"),
            ("Ann-Marie", "Ann Marie"),
            ("\u{1f98a}", "\u{1f98a}"),
        ];
        for (one, two) in pairs {
            assert!(
                alike(one, two) && alike(two, one),
                "{one} and {two}: {:?} {:?}",
                Likeness::of(one),
                Likeness::of(two)
            );
        }
    }

    #[test]
    fn other_names_are_not_alike() {
        let pairs = [
            ("Ann", "Anna"),
            ("Bo", "Bob"),
            ("\u{1f98a}", "\u{1f43b}"),
            ("\u{915}\u{93f}", "\u{915}\u{940}"), // two syllables of Devanagari
            ("\u{738b}", "\u{674e}"),
            ("", ""),
            ("\u{200b}", "Somebody"),
        ];
        for (one, two) in pairs {
            assert!(!alike(one, two), "{one} and {two}");
        }
    }
}
