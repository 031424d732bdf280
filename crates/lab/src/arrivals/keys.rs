//! The names of keys.

use std::sync::Arc;

use lambda_esm_engine::memory::MemoryStream;

/// So many keys are kept once they are made.
const KEPT: usize = 100_000;

/// A partition key, message group or item.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) name: Arc<str>,
    /// What decides about its shard in Kinesis.
    pub(crate) hash: u128,
}

impl Key {
    pub(super) fn new(name: impl Into<Arc<str>>) -> Self {
        let name = name.into();
        Self {
            hash: MemoryStream::hash_key(&name),
            name,
        }
    }
}

/// Names keys by their numbers.
#[derive(Debug, Default)]
pub(super) struct KeyNames(Vec<Option<Key>>);

impl KeyNames {
    pub(super) fn get(&mut self, number: u64) -> Key {
        let make = || Key::new(format!("key-{number}"));
        let place = usize::try_from(number).ok().filter(|place| *place < KEPT);
        let Some(place) = place else {
            return make();
        };
        if self.0.len() <= place {
            self.0.resize(place + 1, None);
        }
        match self.0.get_mut(place) {
            Some(kept) => kept.get_or_insert_with(make).clone(),
            None => make(),
        }
    }
}
