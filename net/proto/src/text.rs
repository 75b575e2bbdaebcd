//! Names as strangers send them, made safe to show. Used where a name enters: our own in `core`, others' in the identity
//! payload of the handshake.

use crate::limits::NAME_CHARS;

/// Without control, bidirectional and invisible formatting characters, white space folded, at most [`NAME_CHARS`]
/// characters; never empty.
#[must_use]
pub fn clean_name(name: &str) -> String {
    let visible: String = name.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(is_showable).collect();
    let folded = visible.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let cut: String = folded.chars().take(NAME_CHARS).collect();
    let cut = cut.trim_end();
    if cut.is_empty() { "Somebody".to_owned() } else { cut.to_owned() }
}

fn is_showable(c: &char) -> bool {
    !c.is_control()
        && !matches!(*c,
            // Soft hyphen, Arabic letter mark, Mongolian vowel separator, zero-width and direction marks,
            // embeddings and overrides, invisible operators and isolates, BOM, interlinear marks, tags.
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::clean_name;

    #[test]
    fn names_cannot_play_tricks_with_the_screen() {
        assert_eq!(clean_name("Anna\u{202e}nimdA\n(admin)"), "AnnanimdA (admin)");
        assert_eq!(clean_name("  Zo\u{e9}\t\tB "), "Zoé B");
        assert_eq!(clean_name("\u{200b}\u{7}"), "Somebody");
        assert_eq!(clean_name(&"x".repeat(1000)).chars().count(), 64);
    }
}
