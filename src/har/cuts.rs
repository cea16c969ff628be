//! Where a body was cut and when, in a number of pieces that is bounded however long the body is.

use serde::{Deserialize, Serialize};

/// Pieces that are told apart. What a longer stream adds is joined: two neighbours each time, from its start on, so that
/// the pieces stay about equally fine, and equal streams are joined alike.
const PIECES_MOST: usize = 1 << 14;

/// The pieces of a body, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cuts {
    pieces: Vec<Piece>,
    #[serde(skip)]
    joining: Joining,
}

/// Length in bytes, and microseconds from the response's head to the end of the piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece(pub u64, pub u64);

/// How many pieces become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Joining {
    each: u64,
    /// How many the last one holds.
    last: u64,
}

impl Default for Joining {
    fn default() -> Self {
        Self { each: 1, last: 1 }
    }
}

impl Cuts {
    /// Adds a piece. An empty one is none.
    pub(crate) fn add(&mut self, length: u64, time: u64) {
        if length == 0 {
            return;
        }
        if self.joining.last < self.joining.each
            && let Some(last) = self.pieces.last_mut()
        {
            *last = Piece(last.0 + length, time);
            self.joining.last += 1;
            return;
        }
        if self.pieces.len() == PIECES_MOST {
            self.halve();
        }
        self.pieces.push(Piece(length, time));
        self.joining.last = 1;
    }

    fn halve(&mut self) {
        self.pieces = self.pieces.chunks(2).filter_map(join).collect();
        self.joining.each *= 2;
    }

    /// The same pieces of a body that has been edited: `moved` gives where a place of the old one is now, and is asked in
    /// order.
    pub(crate) fn moved(&self, mut moved: impl FnMut(u64) -> u64) -> Self {
        let (mut end, mut new_end, mut cuts) = (0, 0, Self::default());
        for Piece(length, time) in &self.pieces {
            end += length;
            let now = moved(end);
            cuts.add(now - new_end, *time);
            new_end = now;
        }
        cuts
    }

    /// The pieces, in order.
    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }
}

fn join(neighbours: &[Piece]) -> Option<Piece> {
    let time = neighbours.last()?.1;
    Some(Piece(neighbours.iter().map(|piece| piece.0).sum(), time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_pieces_are_joined_evenly_and_lose_no_byte() {
        let mut cuts = Cuts::default();
        for time in 1..=1_000_000 {
            cuts.add(3, time);
        }
        let pieces = cuts.pieces();
        assert!(pieces.len() <= PIECES_MOST && pieces.len() > PIECES_MOST / 2, "{}", pieces.len());
        assert_eq!(pieces.iter().map(|piece| piece.0).sum::<u64>(), 3_000_000);
        let (last, whole) = pieces.split_last().unwrap();
        assert!(whole.iter().all(|piece| *piece == Piece(64 * 3, piece.1)), "{:?}", &pieces[..3]);
        assert_eq!((whole[0].1, last.1), (64, 1_000_000));
    }

    #[test]
    fn pieces_are_kept_as_they_are_while_they_are_few() {
        let mut cuts = Cuts::default();
        cuts.add(3, 10);
        cuts.add(0, 11);
        cuts.add(4, 12);
        assert_eq!(cuts.pieces(), [Piece(3, 10), Piece(4, 12)]);
        assert_eq!(serde_json::to_string(&cuts).unwrap(), "[[3,10],[4,12]]");
    }
}
