//! Where the tiles go: N pictures of 16:9 into any rectangle, as large as they can be; or one of them large and the others small
//! beside it. Pure; called by the meeting screen.

use egui::{Pos2, Rect, Vec2, vec2};

/// Width over height of every tile.
pub(crate) const ASPECT: f32 = 16.0 / 9.0;
/// The own picture takes a cell of the grid if the others lose no more than this of their width by it.
const WORTH_A_CELL: f32 = 0.96;
/// Small tiles beside a pinned one take no more from it than this part of the height that it could have alone ...
const STRIP_MOST: f32 = 0.25;
/// ... and are never higher than this, in points: enough to see a face.
const STRIP_MOST_POINTS: f32 = 160.0;
/// No lower than this part, where there is a choice ...
const STRIP_LEAST: f32 = 0.16;
/// ... but this high is enough, in points, for the picture and the name on it ...
const STRIP_LEAST_POINTS: f32 = 64.0;
/// ... or this part in a window so large that one looks at it from further away.
const STRIP_LEAST_AFAR: f32 = 0.1;
/// The pinned one is at least so many times as high as the others; where it cannot be, nobody is.
const STANDS_OUT: f32 = 2.0;

/// The grid of `count` tiles in `area`, in reading order; a shorter last row is centred.
pub(crate) fn grid(count: usize, area: Rect, gap: f32) -> Vec<Rect> {
    let Some((columns, width)) = best(count, area.size(), gap) else { return Vec::new() };
    in_rows(count, columns, vec2(width, width / ASPECT), area.center(), gap)
}

/// Rows of tiles around a centre.
fn in_rows(count: usize, columns: usize, tile: Vec2, centre: Pos2, gap: f32) -> Vec<Rect> {
    let top = centre.y - span(count.div_ceil(columns), tile.y, gap) / 2.0;
    (0..count)
        .map(|index| {
            let (row, column) = (index / columns, index % columns);
            let left = centre.x - span(columns.min(count - row * columns), tile.x, gap) / 2.0;
            let at = vec2(left + column as f32 * (tile.x + gap), top + row as f32 * (tile.y + gap));
            Rect::from_min_size(Pos2::ZERO + at, tile)
        })
        .collect()
}

/// How much room so many of this length take in line.
fn span(count: usize, length: f32, gap: f32) -> f32 {
    length * count as f32 + gap * count.saturating_sub(1) as f32
}

/// How long each of so many in line may be.
fn part(count: usize, room: f32, gap: f32) -> f32 {
    (room - gap * count.saturating_sub(1) as f32) / count as f32
}

/// Columns and tile width of the grid with the largest tiles; `None` if there is nothing to place or no room at all.
fn best(count: usize, area: Vec2, gap: f32) -> Option<(usize, f32)> {
    (1..=count)
        .map(|columns| {
            let height = part(count.div_ceil(columns), area.y, gap);
            (columns, part(columns, area.x, gap).min(height * ASPECT))
        })
        .filter(|(_, width)| *width >= 1.0)
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

/// Places for everybody in a meeting.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Places {
    /// The others, in order.
    pub(crate) others: Vec<Rect>,
    /// Ourselves.
    pub(crate) own: Rect,
    /// The own picture lies over the others, in a corner.
    pub(crate) own_floats: bool,
}

/// Where `others` people and the own picture go: alone we fill the stage; a free cell of the grid is ours; else we lie small
/// in the lower right corner.
pub(crate) fn places(others: usize, area: Rect, gap: f32) -> Places {
    let mut with_us = grid(others + 1, area, gap);
    let without_us = grid(others, area, gap);
    let wide = |tiles: &[Rect]| tiles.first().map_or(0.0, Rect::width);
    if others == 0 || (others > 1 && wide(&with_us) >= WORTH_A_CELL * wide(&without_us)) {
        let own = with_us.pop().unwrap_or(Rect::NOTHING);
        return Places { others: with_us, own, own_floats: false };
    }
    let width = (area.width() * 0.2).clamp(112.0, 240.0).min(area.width() / 2.0).min(area.height() / 2.0 * ASPECT);
    let small = vec2(width, width / ASPECT);
    // In the corner of the last tile rather than of the stage, so that it does not hang in the empty space beside the tiles
    // unless it fits there whole.
    let mut corner = area.max;
    if let Some(tiles) = bounds(&without_us) {
        let beside = area.right() - tiles.right() >= small.x + gap;
        let below = area.bottom() - tiles.bottom() >= small.y + gap;
        if !beside && !below {
            corner = tiles.max - Vec2::splat(gap);
        }
    }
    Places { others: without_us, own: Rect::from_min_max(corner - small, corner), own_floats: true }
}

fn bounds(tiles: &[Rect]) -> Option<Rect> {
    tiles.iter().copied().reduce(Rect::union)
}

/// The same with one of the others pinned: large, and beside or below it everybody else in small tiles, the own picture the
/// last. With one other, or without any room, as if nobody were.
pub(crate) fn places_around(pinned: usize, others: usize, area: Rect, gap: f32) -> Places {
    let strip = if pinned < others && others > 1 { Strip::best(others, area.size(), gap) } else { None };
    let Some(Strip { columns, tile, size, large, beside }) = strip else { return places(others, area, gap) };
    // Both together lie in the middle: each moves aside by half of what the other takes.
    let aside = |large: f32, small: f32| ((small + gap) / -2.0, (large + gap) / 2.0);
    let (of_large, of_small) = if beside {
        let (large, small) = aside(large.x, size.x);
        (vec2(large, 0.0), vec2(small, 0.0))
    } else {
        let (large, small) = aside(large.y, size.y);
        (vec2(0.0, large), vec2(0.0, small))
    };
    let (of_large, of_small) = (area.center() + of_large, area.center() + of_small);
    let mut tiles = in_rows(others, columns, tile, of_small, gap);
    let own = tiles.pop().unwrap_or(Rect::NOTHING);
    tiles.insert(pinned.min(tiles.len()), Rect::from_center_size(of_large, large));
    Places { others: tiles, own, own_floats: false }
}

/// Small tiles in rows, and the large one that they leave room for.
#[derive(Clone, Copy, Debug)]
struct Strip {
    columns: usize,
    tile: Vec2,
    /// Of all small tiles together.
    size: Vec2,
    large: Vec2,
    /// On the right of the large one, else below it.
    beside: bool,
}

impl Strip {
    /// The one that leaves most to the large tile; of those the one with the larger small tiles.
    fn best(count: usize, area: Vec2, gap: f32) -> Option<Self> {
        let alone = largest(area).y;
        let most = (alone * STRIP_MOST).min(STRIP_MOST_POINTS);
        let least = (alone * STRIP_LEAST).min(STRIP_LEAST_POINTS.max(alone * STRIP_LEAST_AFAR)).min(most);
        let all = || {
            let columns = (1..=count).flat_map(|columns| [(columns, true), (columns, false)]);
            columns.filter_map(|(columns, beside)| Self::new(count, columns, beside, area, gap, most))
        };
        let comfortable = all().filter(|strip| strip.tile.y >= least);
        let best = comfortable.max_by(|a, b| a.large.x.total_cmp(&b.large.x).then(a.tile.y.total_cmp(&b.tile.y)));
        // Many people in a small window: what matters then is to see the small ones at all.
        let best =
            best.or_else(|| all().max_by(|a, b| a.tile.y.total_cmp(&b.tile.y).then(a.large.x.total_cmp(&b.large.x))));
        best.map(|strip| strip.grown(count, area, gap))
    }

    /// As large as the large tile leaves room anyway.
    fn grown(self, count: usize, area: Vec2, gap: f32) -> Self {
        let room = rest(area, self.large, self.beside, gap);
        let Some((_, width)) = best(count, room, gap) else { return self };
        let height = (width / ASPECT).min(self.large.y / STANDS_OUT).min(STRIP_MOST_POINTS);
        if height <= self.tile.y {
            return self;
        }
        let tile = vec2(height * ASPECT, height);
        let fits = |columns: &usize| span(*columns, tile.x, gap) <= room.x + 0.01;
        let rows = count.div_ceil((1..=count).take_while(fits).last().unwrap_or(1));
        let columns = count.div_ceil(rows);
        Self { columns, tile, size: vec2(span(columns, tile.x, gap), span(rows, tile.y, gap)), ..self }
    }

    fn new(count: usize, columns: usize, beside: bool, area: Vec2, gap: f32, most: f32) -> Option<Self> {
        let rows = count.div_ceil(columns);
        let room = if beside { part(rows, area.y, gap) } else { part(columns, area.x, gap) / ASPECT };
        let height = room.min(most);
        // No more in a row than it takes: eight are four and four rather than seven and one.
        let columns = count.div_ceil(rows);
        let tile = vec2(height * ASPECT, height);
        let size = vec2(span(columns, tile.x, gap), span(rows, tile.y, gap));
        let large = largest(rest(area, size, beside, gap));
        (height >= 1.0 && large.y >= STANDS_OUT * height).then_some(Self { columns, tile, size, large, beside })
    }
}

/// What is left of an area beside what was taken of it, or else below it.
fn rest(area: Vec2, taken: Vec2, beside: bool, gap: f32) -> Vec2 {
    if beside { vec2(area.x - taken.x - gap, area.y) } else { vec2(area.x, area.y - taken.y - gap) }
}

/// The largest tile that fits.
fn largest(room: Vec2) -> Vec2 {
    let width = room.x.min(room.y * ASPECT);
    vec2(width, width / ASPECT)
}

#[cfg(test)]
mod tests {
    use egui::pos2;
    use proptest::prelude::*;

    use super::*;

    fn area() -> impl Strategy<Value = Rect> {
        (-50.0_f32..500.0, -50.0_f32..500.0, 100.0_f32..3000.0, 100.0_f32..3000.0)
            .prop_map(|(x, y, w, h)| Rect::from_min_size(pos2(x, y), vec2(w, h)))
    }

    fn all_lie_inside_and_apart(tiles: &[Rect], area: Rect) -> Result<(), TestCaseError> {
        for (index, tile) in tiles.iter().enumerate() {
            prop_assert!(area.expand(0.1).contains_rect(*tile), "{:?} in {:?}", tile, area);
            prop_assert!((tile.width() / tile.height() - ASPECT).abs() < 0.01);
            for other in &tiles[index + 1..] {
                prop_assert!(!tile.shrink(0.1).intersects(other.shrink(0.1)), "{:?} and {:?}", tile, other);
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn tiles_lie_inside_and_apart(count in 1_usize..30, area in area(), gap in 0.0_f32..8.0) {
            let tiles = grid(count, area, gap);
            prop_assume!(!tiles.is_empty());
            prop_assert_eq!(tiles.len(), count);
            all_lie_inside_and_apart(&tiles, area)?;
        }

        #[test]
        fn no_other_grid_has_tiles_that_are_one_percent_wider(
            count in 1_usize..30, area in area(), gap in 0.0_f32..8.0
        ) {
            let tiles = grid(count, area, gap);
            prop_assume!(!tiles.is_empty());
            let width = tiles[0].width() * 1.01 + 0.01;
            for rows in 1..=count {
                for columns in 1..=count {
                    let needed = vec2(
                        columns as f32 * width + (columns - 1) as f32 * gap,
                        rows as f32 * width / ASPECT + (rows - 1) as f32 * gap,
                    );
                    let fits = needed.x <= area.width() && needed.y <= area.height();
                    prop_assert!(rows * columns < count || !fits, "{} x {} would fit", columns, rows);
                }
            }
        }

        #[test]
        fn the_own_picture_stays_inside(others in 0_usize..20, area in area(), gap in 0.0_f32..8.0) {
            let places = places(others, area, gap);
            prop_assert!(area.expand(0.1).contains_rect(places.own), "{:?} in {:?}", places.own, area);
        }

        #[test]
        fn a_cell_of_the_grid_is_never_shared(others in 0_usize..20, area in area(), gap in 0.0_f32..8.0) {
            let places = places(others, area, gap);
            prop_assume!(!places.own_floats);
            for tile in &places.others {
                prop_assert!(!tile.shrink(0.1).intersects(places.own.shrink(0.1)));
            }
        }
    }

    /// Areas that a window has: with many people and no room nobody can be large.
    fn stage() -> impl Strategy<Value = Rect> {
        (320.0_f32..3000.0, 190.0_f32..2000.0).prop_map(|(w, h)| Rect::from_min_size(pos2(12.0, 8.0), vec2(w, h)))
    }

    proptest! {
        #[test]
        fn with_one_pinned_all_lie_inside_and_apart(
            others in 0_usize..30, pinned in 0_usize..32, area in area(), gap in 0.0_f32..8.0
        ) {
            let places = places_around(pinned, others, area, gap);
            prop_assume!(!places.own_floats && places.others.len() == others);
            let all: Vec<Rect> = places.others.iter().copied().chain([places.own]).collect();
            all_lie_inside_and_apart(&all, area)?;
        }

        #[test]
        fn the_pinned_one_stands_out_and_the_others_are_alike(
            others in 2_usize..16, pinned in 0_usize..16, area in stage(), gap in 0.0_f32..8.0
        ) {
            let pinned = pinned % others;
            let places = places_around(pinned, others, area, gap);
            prop_assert_eq!(places.others.len(), others);
            let (large, alone) = (places.others[pinned], grid(1, area, gap)[0]);
            for (index, tile) in places.others.iter().enumerate().filter(|(index, _)| *index != pinned) {
                prop_assert!(large.height() >= STANDS_OUT * tile.height() - 0.1, "{:?} beside {:?}", large, tile);
                prop_assert!((tile.width() - places.own.width()).abs() < 0.1, "{} and we", index);
                prop_assert!(tile.height() >= 16.0, "{:?} is too small to be seen", tile);
            }
            prop_assert!(large.width() >= 0.35 * alone.width(), "{:?} of {:?}", large, alone);
        }
    }

    #[test]
    fn a_strip_lies_where_it_takes_least() {
        let area = |width, height| Rect::from_min_size(Pos2::ZERO, vec2(width, height));
        let wide = places_around(1, 4, area(1600.0, 700.0), 8.0);
        assert!(wide.others[0].left() > wide.others[1].right(), "beside, where there is room anyway: {wide:?}");
        assert!((wide.others[1].height() - 700.0).abs() < 0.1, "and so it costs nothing");
        let high = places_around(1, 4, area(900.0, 900.0), 8.0);
        assert!(high.others[0].top() > high.others[1].bottom(), "below: {high:?}");
        assert!((high.others[1].width() - 900.0).abs() < 0.1);
        assert!(
            high.own.top() > high.others[1].bottom() && high.own.left() > high.others[3].right(),
            "we are the last"
        );
    }

    #[test]
    fn with_one_other_pinning_changes_nothing() {
        let area = Rect::from_min_size(Pos2::ZERO, vec2(1000.0, 700.0));
        assert_eq!(places_around(0, 1, area, 8.0), places(1, area, 8.0));
        assert_eq!(places_around(7, 3, area, 8.0), places(3, area, 8.0), "nobody has that place");
    }

    #[test]
    fn nobody_and_no_room_give_nothing() {
        assert!(grid(0, Rect::from_min_size(Pos2::ZERO, vec2(800.0, 600.0)), 8.0).is_empty());
        assert!(grid(9, Rect::from_min_size(Pos2::ZERO, vec2(8.0, 6.0)), 8.0).is_empty());
    }

    #[test]
    fn three_people_and_we_make_two_rows_of_two() {
        let places = places(3, Rect::from_min_size(Pos2::ZERO, vec2(1600.0, 900.0)), 8.0);
        assert!(!places.own_floats);
        assert!((places.own.width() - places.others[0].width()).abs() < 0.01);
    }

    #[test]
    fn in_a_call_of_two_the_other_fills_the_window() {
        let places = places(1, Rect::from_min_size(Pos2::ZERO, vec2(1600.0, 900.0)), 8.0);
        assert!(places.own_floats);
        assert!((places.others[0].width() - 1600.0).abs() < 0.01);
        assert!(places.own.width() <= 240.0);
    }
}
