//! Everything that is left to chance: streams of numbers that know nothing of each other.

use std::sync::Arc;

use rand_distr::{Distribution as _, Exp, LogNormal};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng as _, SeedableRng as _};

use crate::scenario::Distribution;

/// Of the standard normal distribution 99 in 100 values are below this.
const Z99: f64 = 2.326_347_874_040_841;

/// A stream of chance.
#[derive(Clone, Debug)]
pub(crate) struct Chance(Pcg64Mcg);

impl Chance {
    /// Returns the stream with this name. Streams of other names do not change if this one is used more or less.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        Self(Pcg64Mcg::seed_from_u64(mix(seed, hash(name))))
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Returns a number in `0.0..1.0`.
    pub(crate) fn fraction(&mut self) -> f64 {
        // 53 random bits fill the mantissa exactly.
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Tells whether something happens that happens in this share of all cases. A number is used up even if it never does.
    pub(crate) fn happens(&mut self, share: f64) -> bool {
        self.fraction() < share
    }

    /// Returns a whole number below `count`, which is at least 1.
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(count.max(1));
        u64::try_from(wide >> 64).unwrap_or_default()
    }

    /// Draws from a law.
    pub(crate) fn sample<T>(&mut self, law: &impl rand_distr::Distribution<T>) -> T {
        law.sample(&mut self.0)
    }

    /// Returns how long it takes until something happens that does so `rate` times a second, in seconds.
    pub(crate) fn wait(&mut self, rate: f64) -> f64 {
        Exp::new(rate).map_or(f64::INFINITY, |exponential| exponential.sample(&mut self.0))
    }
}

/// Mixes two numbers into one that looks like neither (the finalizer of SplitMix64).
pub(crate) const fn mix(seed: u64, other: u64) -> u64 {
    let mut mixed = seed ^ other.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The digest of a name (FNV-1a).
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Draws values of one distribution.
#[derive(Clone, Debug)]
pub(crate) enum Sampler {
    Fixed(f64),
    Uniform(f64, f64),
    LogNormal(LogNormal<f64>),
    Exponential(Exp<f64>),
    Empirical(Arc<[f64]>),
}

impl Sampler {
    /// Returns the sampler of a distribution; what makes no sense is its typical value, always.
    pub(crate) fn new(distribution: &Distribution) -> Self {
        match distribution {
            Distribution::Fixed(value) => Self::Fixed(*value),
            Distribution::Uniform { min, max } => Self::Uniform(*min, *max),
            Distribution::LogNormal { p50, p99 } => {
                let sigma = (p99 / p50).ln() / Z99;
                LogNormal::new(p50.ln(), sigma).map_or(Self::Fixed(*p50), Self::LogNormal)
            }
            Distribution::Exponential { mean } => {
                Exp::new(mean.recip()).map_or(Self::Fixed(*mean), Self::Exponential)
            }
            Distribution::Empirical(values) => Self::Empirical(values.clone()),
        }
    }

    /// Returns the next value, never negative.
    pub(crate) fn draw(&self, chance: &mut Chance) -> f64 {
        let value = match self {
            Self::Fixed(value) => *value,
            Self::Uniform(min, max) => min + (max - min) * chance.fraction(),
            Self::LogNormal(normal) => normal.sample(&mut chance.0),
            Self::Exponential(exponential) => exponential.sample(&mut chance.0),
            Self::Empirical(values) => {
                let at = chance.below(values.len() as u64);
                let at = usize::try_from(at).unwrap_or_default();
                values.get(at).copied().unwrap_or_default()
            }
        };
        if value.is_finite() {
            value.max(0.0)
        } else {
            0.0
        }
    }
}
