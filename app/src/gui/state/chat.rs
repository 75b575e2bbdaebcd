//! The chat as the window remembers it: the draft, how far it was read, and how high each text is. Heights are measured once
//! per text and width, so that a frame lays out the visible lines only.

use std::sync::Arc;

use crate::engine::ChatLine;

/// No text is longer, in characters: two pages. The core's own bound in bytes is its business.
pub(crate) const TEXT_CHARS: usize = 2000;

/// See the module's head.
#[derive(Default)]
pub(crate) struct Chat {
    pub(crate) draft: String,
    /// The field is to get the keyboard with the next frame.
    pub(crate) wants_focus: bool,
    /// The list is to show its end.
    pub(crate) to_end: bool,
    /// The newest line that was looked at, by `ChatLine::number`.
    read: u64,
    unread: usize,
    seen: Arc<[ChatLine]>,
    pub(crate) heights: Heights,
}

impl Chat {
    /// Takes over the lines of a snapshot. `open`: they are being looked at.
    pub(crate) fn follow(&mut self, lines: &Arc<[ChatLine]>, open: bool) {
        let changed = !Arc::ptr_eq(lines, &self.seen);
        if changed {
            self.seen = Arc::clone(lines);
        }
        if open {
            if changed || self.unread > 0 {
                self.read = lines.iter().map(|line| line.number).max().unwrap_or(0).max(self.read);
            }
            self.unread = 0;
        } else if changed {
            self.unread = lines.iter().filter(|line| !line.own && line.number > self.read).count();
        }
    }

    /// How many texts of others were not looked at.
    pub(crate) const fn unread(&self) -> usize {
        self.unread
    }

    /// The draft as it is sent, and an empty field; `None` if there is nothing to say.
    pub(crate) fn take(&mut self) -> Option<String> {
        let text = self.draft.trim().to_owned();
        if text.is_empty() {
            return None;
        }
        self.draft.clear();
        self.to_end = true;
        Some(text)
    }
}

/// Where each line of the chat stands in the scrolled list.
#[derive(Default)]
pub(crate) struct Heights {
    lines: Arc<[ChatLine]>,
    width: f32,
    texts: Vec<f32>,
    /// Where each line begins; one more than there are lines.
    tops: Vec<f32>,
}

impl Heights {
    /// Measures what is new; everything if the width changed. `text` measures one text, `around` says what a line
    /// needs beside it.
    pub(crate) fn update(
        &mut self,
        lines: &Arc<[ChatLine]>,
        width: f32,
        mut text: impl FnMut(&ChatLine) -> f32,
        around: impl Fn(Option<&ChatLine>, &ChatLine) -> f32,
    ) {
        let same_width = (width - self.width).abs() < 0.5;
        if same_width && Arc::ptr_eq(lines, &self.lines) && self.tops.len() == lines.len() + 1 {
            return;
        }
        // The list grows at its end and, at its bound, loses its beginning; now and then a late line slips in between.
        let offset = lines.first().and_then(|first| self.lines.iter().position(|old| old == first));
        let kept: Vec<f32> = match offset {
            Some(offset) if same_width => lines
                .iter()
                .zip(self.lines.iter().skip(offset))
                .zip(self.texts.iter().skip(offset))
                .take_while(|((new, old), _)| new == old)
                .map(|(_, height)| *height)
                .collect(),
            _ => Vec::new(),
        };
        self.texts = kept;
        let measured = self.texts.len();
        self.texts.extend(lines.iter().skip(measured).map(&mut text));
        self.tops.clear();
        self.tops.push(0.0);
        let mut top = 0.0;
        let mut before = None;
        for (line, height) in lines.iter().zip(&self.texts) {
            top += height + around(before, line);
            self.tops.push(top);
            before = Some(line);
        }
        (self.lines, self.width) = (Arc::clone(lines), width);
    }

    /// A text turned out to be of another height (a font came later): measure all again.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Of the whole list.
    pub(crate) fn total(&self) -> f32 {
        self.tops.last().copied().unwrap_or(0.0)
    }

    /// The lines between two heights, each with its top.
    pub(crate) fn between(&self, from: f32, to: f32) -> impl Iterator<Item = (usize, f32)> + '_ {
        let first = self.tops.partition_point(|top| *top <= from).saturating_sub(1);
        let count = self.texts.len();
        self.tops.iter().copied().enumerate().skip(first).take_while(move |(index, top)| *index < count && *top < to)
    }

    /// How high a text was measured.
    pub(crate) fn text(&self, index: usize) -> f32 {
        self.texts.get(index).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(numbers: impl IntoIterator<Item = u64>) -> Arc<[ChatLine]> {
        numbers
            .into_iter()
            .map(|number| ChatLine {
                number,
                text: format!("text {number}"),
                own: number % 4 == 0,
                ..ChatLine::default()
            })
            .collect()
    }

    #[test]
    fn only_lines_of_others_that_were_not_looked_at_count_as_unread() {
        let mut chat = Chat::default();
        chat.follow(&lines(1..=3), false);
        assert_eq!(chat.unread(), 3);
        chat.follow(&lines(1..=4), false);
        assert_eq!(chat.unread(), 3, "the fourth is ours");
        chat.follow(&lines(1..=5), true);
        assert_eq!(chat.unread(), 0);
        // A bounded list loses its beginning; a late line slips in before others.
        chat.follow(&lines([3, 4, 6, 5, 7]), false);
        assert_eq!(chat.unread(), 2);
    }

    #[test]
    fn only_new_texts_are_measured() {
        let mut heights = Heights::default();
        let mut measure = |lines: &Arc<[ChatLine]>, width: f32| {
            let mut measured = Vec::new();
            heights.update(
                lines,
                width,
                |line| {
                    measured.push(line.number);
                    10.0
                },
                |_, _| 2.0,
            );
            (measured, heights.total())
        };
        let three = lines(1..=3);
        assert_eq!(measure(&three, 200.0), (vec![1, 2, 3], 36.0));
        assert_eq!(measure(&three, 200.0), (vec![], 36.0));
        assert_eq!(measure(&lines(1..=4), 200.0), (vec![4], 48.0), "it grew");
        assert_eq!(measure(&lines(2..=5), 200.0), (vec![5], 48.0), "it lost its beginning");
        assert_eq!(measure(&lines([2, 9, 3, 4, 5]), 200.0), (vec![9, 3, 4, 5], 60.0), "one slipped in");
        assert_eq!(measure(&lines(2..=3), 100.0), (vec![2, 3], 24.0), "another width");
    }

    #[test]
    fn visible_lines_are_found_by_height() {
        let mut heights = Heights::default();
        heights.update(&lines(1..=1000), 200.0, |_| 18.0, |_, _| 2.0);
        let shown: Vec<usize> = heights.between(400.0, 460.0).map(|(index, _)| index).collect();
        assert_eq!(shown, [20, 21, 22]);
        assert_eq!(heights.between(0.0, 1.0).next(), Some((0, 0.0)));
        assert!(heights.between(1e9, 2e9).count() <= 1);
        assert_eq!(Heights::default().between(0.0, 100.0).count(), 0);
    }

    #[test]
    fn an_empty_draft_is_not_sent() {
        let mut chat = Chat { draft: " \n ".to_owned(), ..Chat::default() };
        assert_eq!(chat.take(), None);
        chat.draft = " hello\nthere ".to_owned();
        assert_eq!(chat.take().as_deref(), Some("hello\nthere"));
        assert!(chat.draft.is_empty());
    }
}
