//! Names and text as strangers send them, made safe to show and to store under. Used where they enter: names in `core` and in
//! the identity payload of the handshake, chat and names of files in `talk`.

use crate::limits::{FILE_NAME_BYTES, NAME_CHARS};

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

/// Text of several lines: line breaks kept, all other control, bidirectional and invisible characters taken out, white space at
/// both ends dropped. May be empty.
#[must_use]
pub fn clean_text(text: &str) -> String {
    let unified = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}', '\u{85}', '\u{b}', '\u{c}'], "\n");
    let visible: String = unified
        .chars()
        .map(|c| if c != '\n' && c.is_whitespace() { ' ' } else { c })
        .filter(|c| *c == '\n' || is_showable(c))
        .collect();
    visible.trim().to_owned()
}

/// A name under which a stranger's file can be stored on every system: no folder, no control, bidirectional or reserved
/// characters, no hidden or reserved name, at most [`FILE_NAME_BYTES`] bytes with its ending kept; never empty.
#[must_use]
pub fn clean_file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default();
    let safe: String = last
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(is_showable)
        .map(|c| if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') { '_' } else { c })
        .collect();
    let folded = safe.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let trimmed = folded.trim_start_matches(['.', ' ', '-', '~']).trim_end_matches(['.', ' ']);
    let cut = cut_before_ending(trimmed);
    let stem = cut.split('.').next().unwrap_or_default().trim_end();
    match cut.as_str() {
        "" => "file".to_owned(),
        _ if is_device(stem) => format!("_{cut}"),
        _ => cut,
    }
}

/// Shortens the part before the ending, one byte below the limit so that a mark may be put in front.
fn cut_before_ending(name: &str) -> String {
    let most = FILE_NAME_BYTES - 1;
    if name.len() <= most {
        return name.to_owned();
    }
    let ending = name.rfind('.').map_or("", |at| &name[at..]);
    let ending = if ending.len() > 16 { "" } else { ending };
    let stem = &name[..name.len() - ending.len()];
    let end = (0..=most - ending.len()).rev().find(|at| stem.is_char_boundary(*at)).unwrap_or(0);
    format!("{}{ending}", stem[..end].trim_end_matches(['.', ' ']))
}

/// Names that mean a device on one system, whatever their ending.
fn is_device(stem: &str) -> bool {
    let stem = stem.to_ascii_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|rest| {
            matches!(rest, "\u{b9}" | "\u{b2}" | "\u{b3}")
                || rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit())
        })
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") || numbered("COM") || numbered("LPT")
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_cannot_play_tricks_with_the_screen() {
        assert_eq!(clean_name("Anna\u{202e}nimdA\n(admin)"), "AnnanimdA (admin)");
        assert_eq!(clean_name("  Zo\u{e9}\t\tB "), "Zoé B");
        assert_eq!(clean_name("\u{200b}\u{7}"), "Somebody");
        assert_eq!(clean_name(&"x".repeat(1000)).chars().count(), 64);
    }

    #[test]
    fn text_keeps_its_lines_and_loses_its_tricks() {
        assert_eq!(clean_text("one\r\ntwo\u{2028}three\n\n four\t5 "), "one\ntwo\nthree\n\n four 5");
        assert_eq!(clean_text("pay \u{202e}001\u{202c} \u{1b}[31mred\u{0}\u{200b}!"), "pay 001 [31mred!");
        assert_eq!(clean_text(" \n\u{200d}\n "), "");
    }

    #[test]
    fn names_of_files_cannot_reach_elsewhere() {
        for (given, safe) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\system32\\x.dll", "x.dll"),
            ("c:x.dll", "c_x.dll"),
            ("folder/", "folder"),
            ("..", "file"),
            ("/", "file"),
            ("", "file"),
            (".bashrc", "bashrc"),
            ("-rf", "rf"),
            ("con", "_con"),
            ("NUL.txt", "_NUL.txt"),
            ("com1.tar.gz", "_com1.tar.gz"),
            ("company.txt", "company.txt"),
            ("a\u{202e}fdp.exe", "afdp.exe"),
            ("invoice.pdf          .exe", "invoice.pdf .exe"),
            ("what? \"why\": <b>|*.txt", "what_ _why__ _b___.txt"),
            ("x. . .", "x"),
            ("line\nbreak\u{0}.txt", "line break.txt"),
        ] {
            assert_eq!(clean_file_name(given), safe, "{given:?}");
        }
        let long = clean_file_name(&format!("{}.jpeg", "\u{e4}".repeat(5000)));
        assert!(long.len() < FILE_NAME_BYTES && long.ends_with("\u{e4}.jpeg"), "{long}");
    }

    proptest! {
        #[test]
        fn any_name_of_a_file_is_one_plain_component(name in any::<String>()) {
            let clean = clean_file_name(&name);
            prop_assert!(!clean.is_empty() && clean.len() <= FILE_NAME_BYTES);
            prop_assert!(!clean.contains(['/', '\\', ':', '\0', '\n']) && !clean.starts_with('.') && !clean.ends_with(['.', ' ']));
            let again = clean_file_name(&clean);
            prop_assert_eq!(again.trim_start_matches('_'), clean.trim_start_matches('_'));
            prop_assert_eq!(std::path::Path::new(&clean).components().count(), 1);
        }

        #[test]
        fn clean_text_stays_as_it_is(text in any::<String>()) {
            let clean = clean_text(&text);
            prop_assert_eq!(clean_text(&clean), clean);
        }
    }
}
