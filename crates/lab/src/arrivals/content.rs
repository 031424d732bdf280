//! What records are made of: keys, sizes and payloads.

use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use rand_distr::weighted::WeightedAliasIndex;

use super::chance::{Chance, Sampler};
use crate::scenario::{Bodies, Keys, Workload};

/// How many bytes of payloads are made at a time. To free 64 KB at once has malloc tidy up each time.
const CHUNK: usize = 16 * 1024;

/// A payload has at most so many bytes, whatever a distribution says: the largest that any source takes, 10 MB of Kinesis.
const LARGEST: usize = 10 * 1024 * 1024;

/// As many zeros as the longest filler has bytes, and some more. They take no memory until somebody reads them.
static BLANK: LazyLock<Vec<u8>> = LazyLock::new(|| vec![0; LARGEST + 64]);

/// Draws the numbers of keys.
pub(super) struct KeyDrawer {
    keys: Keys,
    zipf: Option<rand_distr::Zipf<f64>>,
    chance: Chance,
}

impl KeyDrawer {
    pub(super) fn new(keys: Keys, chance: Chance) -> Self {
        let zipf = (keys.skew > 0.0)
            .then(|| rand_distr::Zipf::new(keys.count as f64, keys.skew).ok())
            .flatten();
        Self { keys, zipf, chance }
    }

    pub(super) fn draw(&mut self) -> u64 {
        match &self.zipf {
            // From 1 on.
            Some(zipf) => self.chance.sample(zipf) as u64 - 1,
            None => self.chance.below(self.keys.count),
        }
    }
}

/// Draws payloads.
pub(super) struct BodyDrawer {
    size: Sampler,
    samples: Option<(Vec<Bytes>, WeightedAliasIndex<f64>)>,
    chance: Chance,
    /// Whether somebody reads fillers.
    is_read: bool,
    /// As long as the longest filler so far.
    filler: Vec<u8>,
    /// Where the next payloads are written: many share one allocation.
    chunk: BytesMut,
}

impl BodyDrawer {
    pub(super) fn new(workload: &Workload, chance: Chance, is_read: bool) -> Self {
        let samples = match &workload.bodies {
            Bodies::Filler => None,
            Bodies::Samples(bodies) => {
                let weights = bodies.iter().map(|body| body.weight).collect();
                let index = WeightedAliasIndex::new(weights).ok();
                let payloads = bodies.iter().map(|body| body.payload.clone());
                index.map(|index| (payloads.collect(), index))
            }
        };
        Self {
            size: Sampler::new(&workload.size),
            samples,
            chance,
            is_read,
            filler: Vec::new(),
            chunk: BytesMut::new(),
        }
    }

    /// Returns the payload of the record with this number.
    pub(super) fn draw(&mut self, number: u64) -> Bytes {
        if let Some((payloads, index)) = &self.samples {
            let at = self.chance.sample(index);
            return payloads.get(at).cloned().unwrap_or_default();
        }
        let size = self.size.draw(&mut self.chance).min(LARGEST as f64);
        self.filler(number, size as usize)
    }

    /// Returns an object with this number that has so many bytes, or as few as it can have; without anybody who reads it, as
    /// many zeros.
    pub(super) fn filler(&mut self, number: u64, size: usize) -> Bytes {
        let mut digits = [0; 20];
        let digits = decimal(number, &mut digits);
        const HEAD: &[u8] = b"{\"n\":";
        const MIDDLE: &[u8] = b",\"filler\":\"";
        const END: &[u8] = b"\"}";
        let rest = size.saturating_sub(HEAD.len() + digits.len() + MIDDLE.len() + END.len());
        if !self.is_read {
            let around = if rest == 0 {
                1
            } else {
                MIDDLE.len() + END.len()
            };
            let length = HEAD.len() + digits.len() + around + rest;
            let blank = BLANK.get(..length);
            return blank.map_or_else(|| vec![0; length].into(), Bytes::from_static);
        }
        let body = &mut self.chunk;
        if body.capacity() < size + HEAD.len() + digits.len() + 1 {
            *body = BytesMut::with_capacity(CHUNK.max(2 * size));
        }
        body.extend_from_slice(HEAD);
        body.extend_from_slice(digits);
        if rest == 0 {
            body.extend_from_slice(b"}");
            return body.split().freeze();
        }
        if self.filler.len() < rest {
            self.filler.resize(rest, b'x');
        }
        body.extend_from_slice(MIDDLE);
        body.extend_from_slice(self.filler.get(..rest).unwrap_or_default());
        body.extend_from_slice(END);
        body.split().freeze()
    }
}

/// Writes a number in decimal.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}
