//! The pages of a listing, put together within bounds: a source may be broken, or hostile.

use std::collections::BTreeSet;

use crate::fault::{SourceError, SourceErrorKind};
use crate::stream::port::{Shard, ShardId};

/// The most shards of a stream, closed ones that still hold records included: 100,000. All streams of an account
/// together have up to 20,000 open ones, unless AWS raises that quota (Kinesis developer guide, "Quotas and
/// limits"). Each takes some 2 KB of memory.
pub const MOST_SHARDS: usize = 100_000;

/// How many pages in a row may hold no shard that is new.
const BARREN_PAGES: u32 = 10;

/// The pages of one listing, as they come.
#[derive(Debug, Default)]
pub struct Pages {
    shards: Vec<Shard>,
    known: BTreeSet<ShardId>,
    /// What stood for the page that was added last.
    token: Option<String>,
    barren: u32,
}

impl Pages {
    /// Adds a page. A shard that is listed again counts as it was listed first. Returns `next`, which stands for
    /// the next page; `None` after the last one.
    ///
    /// # Errors
    /// Fails, as [`Fatal`](SourceErrorKind::Fatal), if there is no end to be seen: the next page is the one that
    /// was just read, ten pages in a row hold no new shard, or there are more than [`MOST_SHARDS`].
    pub fn add(
        &mut self,
        shards: impl IntoIterator<Item = Shard>,
        next: Option<String>,
    ) -> Result<Option<String>, SourceError> {
        let before = self.shards.len();
        for shard in shards {
            if self.known.insert(shard.id.clone()) {
                self.shards.push(shard);
            }
            if self.shards.len() > MOST_SHARDS {
                return Err(endless(&format!("holds more than {MOST_SHARDS} shards")));
            }
        }
        let is_barren = self.shards.len() == before;
        self.barren = if is_barren { self.barren + 1 } else { 0 };
        if next.is_some() && next == self.token {
            return Err(endless("names the page again that was just read"));
        }
        if next.is_some() && self.barren >= BARREN_PAGES {
            let text = format!("goes on, though {BARREN_PAGES} pages in a row hold no new shard");
            return Err(endless(&text));
        }
        self.token.clone_from(&next);
        Ok(next)
    }

    /// Returns the shards of all pages.
    #[must_use]
    pub fn into_shards(self) -> Vec<Shard> {
        self.shards
    }
}

fn endless(what: &str) -> SourceError {
    let text = format!("the listing of the stream's shards {what}; it is asked for anew");
    SourceError::new(SourceErrorKind::Fatal, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(number: usize) -> Shard {
        Shard {
            id: ShardId::new(format!("shard-{number}")),
            parents: Vec::new(),
            closed: false,
            hash_keys: None,
        }
    }

    /// Adds pages until the end, or until that is not to be seen; returns how many it took, and why.
    fn read(mut page: impl FnMut(usize) -> (Vec<Shard>, Option<&'static str>)) -> (usize, String) {
        let mut pages = Pages::default();
        for number in 1.. {
            let (shards, next) = page(number);
            // Tokens that differ from page to page, unless the page says otherwise.
            let next = next.map(|next| match next {
                "" => number.to_string(),
                next => next.to_owned(),
            });
            match pages.add(shards, next) {
                Ok(Some(_)) => {}
                Ok(None) => return (number, format!("{} shards", pages.into_shards().len())),
                Err(error) => return (number, error.message),
            }
        }
        unreachable!("a listing without end")
    }

    #[test]
    fn a_listing_ends_by_its_last_page_or_where_no_end_is_to_be_seen() {
        let full = |number: usize| (0..1_000).map(move |n| shard(1_000 * number + n)).collect();
        let open = Some("");
        let rows = [
            (
                "all of them",
                read(|number| (full(number), open.filter(|_| number < 20))),
                20,
                "20000 shards",
            ),
            (
                "gaps",
                read(|number| match number {
                    40 => (vec![shard(40)], None),
                    // Nine pages without a shard, and one with.
                    number if number % 10 == 0 => (vec![shard(number)], open),
                    _ => (Vec::new(), open),
                }),
                40,
                "4 shards",
            ),
            (
                "twice",
                read(|number| (vec![shard(1), shard(1)], open.filter(|_| number < 2))),
                2,
                "1 shards",
            ),
            (
                "the same token",
                read(|number| (full(number), Some("again"))),
                2,
                "the page again",
            ),
            (
                "the same page",
                read(|_| (full(1), open)),
                11,
                "no new shard",
            ),
            (
                "two pages in turn",
                read(|number| (full(number % 2), open)),
                12,
                "no new shard",
            ),
            ("nothing", read(|_| (Vec::new(), open)), 10, "no new shard"),
            (
                "ever more",
                read(|number| (full(number), open)),
                101,
                "more than 100000 shards",
            ),
        ];
        for (name, (pages, end), expected, text) in rows {
            assert_eq!(pages, expected, "{name}: {end}");
            assert!(end.contains(text), "{name}: {end}");
        }
    }
}
