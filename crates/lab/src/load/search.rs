//! The search for the highest rate that holds.

/// How much above the rate that held the one may be that did not, when the search is over.
const CLOSE: f64 = 1.05;
/// How many rates are tried at most: a million times the first one and back again.
const MOST: usize = 40;

/// Doubles a rate until something breaks, or halves it until nothing does, and then bisects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    next: f64,
    held: Option<f64>,
    broke: Option<f64>,
    tried: usize,
}

impl Search {
    /// Begins with a rate above 0.
    pub(super) const fn new(first: f64) -> Self {
        Self {
            next: first,
            held: None,
            broke: None,
            tried: 0,
        }
    }

    /// Returns the rate to be tried next; `None` when the search is over.
    pub(super) fn next(&self) -> Option<f64> {
        let close = match (self.held, self.broke) {
            (Some(held), Some(broke)) => broke <= held * CLOSE,
            _ => false,
        };
        (!close && self.tried < MOST).then_some(self.next)
    }

    /// Takes what became of the rate that was to be tried.
    pub(super) fn tried(&mut self, holds: bool) {
        let rate = self.next;
        self.tried += 1;
        if holds {
            self.held = Some(rate);
        } else {
            self.broke = Some(rate);
        }
        self.next = match (self.held, self.broke) {
            (Some(held), Some(broke)) => f64::midpoint(held, broke),
            (Some(held), None) => held * 2.0,
            (None, Some(broke)) => broke / 2.0,
            (None, None) => rate,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(first: f64, limit: f64) -> (Search, Vec<f64>) {
        let mut search = Search::new(first);
        let mut tried = Vec::new();
        while let Some(rate) = search.next() {
            tried.push(rate);
            search.tried(rate <= limit);
        }
        (search, tried)
    }

    #[test]
    fn a_rate_is_doubled_until_it_breaks_and_then_bisected_within_5_percent() {
        let (search, tried) = search(100.0, 730.0);
        assert_eq!(tried[..4], [100.0, 200.0, 400.0, 800.0]);
        let (held, broke) = (search.held, search.broke);
        let (held, broke) = (held.unwrap(), broke.unwrap());
        assert!(held <= 730.0 && 730.0 < broke, "{held} {broke}");
        assert!(broke <= held * 1.05, "{held} {broke}");
    }

    #[test]
    fn a_first_rate_that_breaks_is_halved() {
        let (search, tried) = search(100.0, 30.0);
        assert_eq!(tried[..3], [100.0, 50.0, 25.0]);
        let held = (search.held, search.broke).0.unwrap();
        assert!((28.0..=30.0).contains(&held), "{held}");
    }

    #[test]
    fn a_search_ends_though_nothing_ever_holds_or_breaks() {
        assert_eq!(search(1.0, -1.0).0.held, None);
        assert_eq!(search(1.0, f64::INFINITY).0.broke, None);
    }
}
