//! Reed-Solomon pieces for one picture: any `n` of them replace any `n` lost ones. A Cauchy matrix over GF(2^8), so that a parity piece
//! depends on its row alone, not on how many there are; the sender decides that as it goes. `video_send` makes them,
//! `assembly` uses them. Our own because a picture has a dozen pieces: crates for thousands of them keep tables of megabytes.

use crate::limits;

/// The field's polynomial, x^8 + x^4 + x^3 + x^2 + 1, of which 2 is a generator.
const POLYNOMIAL: u16 = 0x11d;
const TABLES: ([u8; 510], [u8; 256]) = tables();

#[expect(clippy::cast_possible_truncation, reason = "reduced to eight bits in each step; no `try_from` in a constant")]
const fn tables() -> ([u8; 510], [u8; 256]) {
    let (mut exp, mut log) = ([0; 510], [0; 256]);
    let (mut power, mut value) = (0, 1_u16);
    while power < 255 {
        exp[power] = value as u8;
        exp[power + 255] = value as u8;
        log[value as usize] = power as u8;
        value <<= 1;
        if value & 0x100 != 0 {
            value ^= POLYNOMIAL;
        }
        power += 1;
    }
    (exp, log)
}

fn multiply(a: u8, b: u8) -> u8 {
    let (exp, log) = &TABLES;
    if a == 0 || b == 0 { 0 } else { exp[usize::from(log[usize::from(a)]) + usize::from(log[usize::from(b)])] }
}

/// Of anything but zero.
fn inverse(a: u8) -> u8 {
    let (exp, log) = &TABLES;
    exp[255 - usize::from(log[usize::from(a)])]
}

/// Rows count from 0 up and columns from 255 down: within the bounds they never meet, so there is always an inverse.
fn coefficient(row: u8, column: usize) -> u8 {
    inverse(row ^ u8::MAX.wrapping_sub(u8::try_from(column).unwrap_or(u8::MAX)))
}

/// `sum += factor * piece`; a short piece counts as padded with zeros.
fn add_multiple(sum: &mut [u8], piece: &[u8], factor: u8) {
    let (mut low, mut high) = ([0; 16], [0; 16]);
    for nibble in 0..16_u8 {
        low[usize::from(nibble)] = multiply(nibble, factor);
        high[usize::from(nibble)] = multiply(nibble << 4, factor);
    }
    for (sum, byte) in sum.iter_mut().zip(piece) {
        *sum ^= low[usize::from(byte & 15)] ^ high[usize::from(byte >> 4)];
    }
}

/// Whether a picture of so many pieces can be repaired.
pub(super) const fn is_possible(pieces: usize) -> bool {
    pieces > 0 && pieces <= limits::VIDEO_REPAIRED_FRAGMENTS
}

/// The parity piece `row` of a picture that is cut into pieces of `unit` bytes.
pub(super) fn parity(row: u8, picture: &[u8], unit: usize) -> Vec<u8> {
    let mut sum = vec![0; unit];
    for (column, piece) in picture.chunks(unit.max(1)).enumerate() {
        add_multiple(&mut sum, piece, coefficient(row, column));
    }
    sum
}

/// Fills in the `missing` pieces from as many parity pieces, each with its row. False: there are too few, or they are not of this
/// picture's kind, and nothing was changed.
pub(super) fn restore(picture: &mut [u8], unit: usize, missing: &[usize], parities: &[(u8, Vec<u8>)]) -> bool {
    let rows = parities.len();
    if rows != missing.len() || parities.iter().any(|(_, piece)| piece.len() != unit) {
        return false;
    }
    // What the parities say about the missing pieces alone, beside the matrix that mixed those.
    let mut system: Vec<(Vec<u8>, Vec<u8>)> = Vec::with_capacity(rows);
    for (row, piece) in parities {
        let mut rest = piece.clone();
        for (column, piece) in picture.chunks(unit).enumerate().filter(|(column, _)| !missing.contains(column)) {
            add_multiple(&mut rest, piece, coefficient(*row, column));
        }
        system.push((missing.iter().map(|column| coefficient(*row, *column)).collect(), rest));
    }
    if !solve(&mut system) {
        return false;
    }
    for (column, (_, piece)) in missing.iter().zip(system) {
        if let Some(slot) = picture.chunks_mut(unit).nth(*column) {
            let len = slot.len();
            slot.copy_from_slice(&piece[..len]);
        }
    }
    true
}

/// Gauss and Jordan. False: two rows are one and the same.
fn solve(system: &mut [(Vec<u8>, Vec<u8>)]) -> bool {
    for pivot in 0..system.len() {
        let Some(found) = (pivot..system.len()).find(|row| system[*row].0[pivot] != 0) else { return false };
        system.swap(pivot, found);
        let (mut matrix, mut piece) = std::mem::take(&mut system[pivot]);
        let scale = inverse(matrix[pivot]);
        matrix.iter_mut().chain(&mut piece).for_each(|byte| *byte = multiply(*byte, scale));
        for (other, (row, rest)) in system.iter_mut().enumerate() {
            if other != pivot && row[pivot] != 0 {
                let factor = row[pivot];
                add_multiple(row, &matrix, factor);
                add_multiple(rest, &piece, factor);
            }
        }
        system[pivot] = (matrix, piece);
    }
    true
}

/// How many parity pieces a picture of `pieces` gets, so that more than those are lost in no more than `spare` of all cases, if each
/// piece is lost with probability `loss`.
pub(super) fn parities(pieces: usize, loss: f64, spare: f64) -> u8 {
    if !is_possible(pieces) || !(0.0..0.9).contains(&loss) || loss == 0.0 {
        return 0;
    }
    for parities in 0..limits::VIDEO_PARITIES {
        if usize::from(parities) >= pieces.max(2) || too_many(pieces, parities, loss) <= spare {
            return parities;
        }
    }
    limits::VIDEO_PARITIES
}

/// The chance that more than `parities` of all pieces get lost.
#[expect(clippy::cast_precision_loss, reason = "a few hundred pieces")]
fn too_many(pieces: usize, parities: u8, loss: f64) -> f64 {
    let all = pieces + usize::from(parities);
    let (mut exactly, mut at_most) = ((1.0 - loss).powf(all as f64), 0.0);
    for lost in 0..=usize::from(parities) {
        at_most += exactly;
        exactly *= (all - lost) as f64 / (lost + 1) as f64 * loss / (1.0 - loss);
    }
    1.0 - at_most
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_pieces_replace_any_others(
            picture in proptest::collection::vec(any::<u8>(), 1..5000),
            unit in 1..600_usize,
            seed in any::<u64>(),
        ) {
            let count = picture.len().div_ceil(unit);
            prop_assume!(is_possible(count));
            let lost = (usize::try_from(seed % 7).expect("small") + 1).min(count);
            let missing: Vec<usize> = (0..lost).map(|index| (index * count / lost + usize::try_from(seed >> 40).expect("small")) % count).collect();
            let mut missing = missing;
            missing.sort_unstable();
            missing.dedup();
            let first = u8::try_from(seed % 50).expect("small");
            let rows = (0_u8..).map(|row| first + row).take(missing.len());
            let parities: Vec<(u8, Vec<u8>)> = rows.map(|row| (row, parity(row, &picture, unit))).collect();
            let mut damaged = picture.clone();
            for column in &missing {
                damaged.chunks_mut(unit).nth(*column).expect("inside").fill(0xee);
            }
            prop_assert!(restore(&mut damaged, unit, &missing, &parities));
            prop_assert_eq!(damaged, picture);
        }
    }

    #[test]
    fn too_few_or_the_same_twice_change_nothing() {
        let picture = vec![7; 300];
        let piece = parity(3, &picture, 100);
        let mut damaged = picture.clone();
        damaged[..200].fill(0);
        let before = damaged.clone();
        assert!(!restore(&mut damaged, 100, &[0, 1], &[(3, piece.clone())]));
        assert!(!restore(&mut damaged, 100, &[0, 1], &[(3, piece.clone()), (3, piece)]));
        assert_eq!(damaged, before);
    }

    #[test]
    fn as_many_as_the_loss_calls_for() {
        assert_eq!(parities(5, 0.0, 0.01), 0);
        assert_eq!(parities(5, 0.02, 0.01), 1);
        let (tenth, third) = (parities(5, 0.1, 0.01), parities(5, 0.3, 0.05));
        assert!((2..=4).contains(&tenth) && third > tenth - 1 && third <= 5, "{tenth} {third}");
        assert!(parities(40, 0.1, 0.01) < 16, "many pieces need less of a share");
        assert_eq!(parities(1000, 0.1, 0.01), 0);
        assert_eq!(parities(5, f64::NAN, 0.01), 0);
    }
}
