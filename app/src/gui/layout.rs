//! Where the tiles go: N pictures of 16:9 into any rectangle, as large as they can be. Pure; called by the meeting screen.

use egui::{Pos2, Rect, Vec2, vec2};

/// Width over height of every tile.
pub(crate) const ASPECT: f32 = 16.0 / 9.0;
/// The own picture takes a cell of the grid if the others lose no more than this of their width by it.
const WORTH_A_CELL: f32 = 0.96;

/// The grid of `count` tiles in `area`, in reading order; a shorter last row is centred.
pub(crate) fn grid(count: usize, area: Rect, gap: f32) -> Vec<Rect> {
    let Some((columns, width)) = best(count, area.size(), gap) else { return Vec::new() };
    let tile = vec2(width, width / ASPECT);
    let rows = count.div_ceil(columns);
    let height = tile.y * rows as f32 + gap * (rows - 1) as f32;
    let top = area.center().y - height / 2.0;
    (0..count)
        .map(|index| {
            let (row, column) = (index / columns, index % columns);
            let in_row = columns.min(count - row * columns);
            let row_width = tile.x * in_row as f32 + gap * (in_row - 1) as f32;
            let left = area.center().x - row_width / 2.0;
            let at = vec2(left + column as f32 * (tile.x + gap), top + row as f32 * (tile.y + gap));
            Rect::from_min_size(Pos2::ZERO + at, tile)
        })
        .collect()
}

/// Columns and tile width of the grid with the largest tiles; `None` if there is nothing to place or no room at all.
fn best(count: usize, area: Vec2, gap: f32) -> Option<(usize, f32)> {
    (1..=count)
        .map(|columns| {
            let rows = count.div_ceil(columns);
            let width = (area.x - gap * (columns - 1) as f32) / columns as f32;
            let height = (area.y - gap * (rows - 1) as f32) / rows as f32;
            (columns, width.min(height * ASPECT))
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

#[cfg(test)]
mod tests {
    use egui::pos2;
    use proptest::prelude::*;

    use super::*;

    fn area() -> impl Strategy<Value = Rect> {
        (-50.0_f32..500.0, -50.0_f32..500.0, 100.0_f32..3000.0, 100.0_f32..3000.0)
            .prop_map(|(x, y, w, h)| Rect::from_min_size(pos2(x, y), vec2(w, h)))
    }

    proptest! {
        #[test]
        fn tiles_lie_inside_and_apart(count in 1_usize..30, area in area(), gap in 0.0_f32..8.0) {
            let tiles = grid(count, area, gap);
            prop_assume!(!tiles.is_empty());
            prop_assert_eq!(tiles.len(), count);
            for (index, tile) in tiles.iter().enumerate() {
                prop_assert!(area.expand(0.1).contains_rect(*tile), "{:?} in {:?}", tile, area);
                prop_assert!((tile.width() / tile.height() - ASPECT).abs() < 0.01);
                for other in &tiles[index + 1..] {
                    prop_assert!(!tile.shrink(0.1).intersects(other.shrink(0.1)), "{:?} and {:?}", tile, other);
                }
            }
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
