//! What was seen before.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;

/// How many names a generation holds: two generations of 8 bytes each, with what a set needs beside them.
const GENERATION: usize = 100_000;

/// Remembers at least the last 100,000 names, by their hashes.
#[derive(Debug, Default)]
pub(super) struct Recent {
    young: HashSet<u64>,
    old: HashSet<u64>,
}

impl Recent {
    /// Tells whether a name is new, and remembers it.
    pub(super) fn is_new(&mut self, name: impl Hash) -> bool {
        let hash = hash(name);
        if self.old.contains(&hash) || !self.young.insert(hash) {
            return false;
        }
        if self.young.len() == GENERATION {
            self.old = mem::take(&mut self.young);
        }
        true
    }
}

pub(super) fn hash(name: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_names_are_remembered_and_the_rest_forgotten() {
        let mut recent = Recent::default();
        assert!((0..2 * GENERATION).all(|name| recent.is_new(name)));
        assert!((GENERATION..2 * GENERATION).all(|name| !recent.is_new(name)));
        assert!(recent.is_new(0));
    }
}
