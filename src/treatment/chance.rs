//! Chance that is the same in every run: the n-th draw depends on the seed, on what draws, and on n alone.

use std::f64::consts::TAU;
use std::sync::atomic::{AtomicU64, Ordering};

/// A sequence of draws. Requests that come in the same order draw the same.
#[derive(Debug)]
pub struct Chance {
    seed: u64,
    drawn: AtomicU64,
}

impl Chance {
    /// The sequence of a seed for one purpose, by its name.
    pub fn new(seed: u64, purpose: &str) -> Self {
        let of_purpose = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self { seed: mixed(seed).wrapping_add(of_purpose), drawn: AtomicU64::new(0) }
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        let n = self.drawn.fetch_add(1, Ordering::Relaxed);
        mixed(self.seed.wrapping_add(n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// The next number from 0 up to, but without, 1.
    pub fn fraction(&self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The next number of the normal distribution around 0 with a deviation of 1 (Box and Muller).
    pub fn normal(&self) -> f64 {
        // Both fractions come of one draw: two would mingle with those of a request that draws at the same time.
        let bits = self.next();
        let one = ((bits >> 32) as f64 + 0.5) / 4_294_967_296.0;
        let other = (bits & 0xffff_ffff) as f64 / 4_294_967_296.0;
        (-2.0 * one.ln()).sqrt() * (TAU * other).cos()
    }
}

/// Steele, Lea and Flood's SplitMix64.
fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_purpose_draw_the_same_and_others_do_not() {
        let draws = |seed, purpose: &str| {
            let chance = Chance::new(seed, purpose);
            (0..8).map(|_| chance.next()).collect::<Vec<_>>()
        };
        assert_eq!(draws(1, "a"), draws(1, "a"));
        assert_ne!(draws(1, "a"), draws(2, "a"));
        assert_ne!(draws(1, "a"), draws(1, "b"));
    }

    #[test]
    fn fractions_are_spread_evenly_and_normal_draws_around_nothing() {
        let chance = Chance::new(7, "spread");
        let fractions: Vec<f64> = (0..10_000).map(|_| chance.fraction()).collect();
        assert!(fractions.iter().all(|fraction| (0.0..1.0).contains(fraction)));
        let below = fractions.iter().filter(|fraction| **fraction < 0.25).count();
        assert!((2_300..2_700).contains(&below), "{below}");
        let normal: Vec<f64> = (0..10_000).map(|_| chance.normal()).collect();
        let mean = normal.iter().sum::<f64>() / 10_000.0;
        let variance = normal.iter().map(|draw| draw * draw).sum::<f64>() / 10_000.0;
        assert!(mean.abs() < 0.05 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
