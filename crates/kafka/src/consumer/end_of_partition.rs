//! Where a partition ends. A consumer that has come there may lie beyond its last record: the log goes on with the end
//! of a transaction, or with what was compacted.

use std::cell::Cell;

thread_local! {
    static NOTED: Cell<Option<i64>> = const { Cell::new(None) };
}

/// Notes the end of the partition that this thread polls. It stands in the text of the event only, which is given to the
/// client's context just before the poll returns.
pub(super) fn note(reason: &str) {
    NOTED.set(parse(reason));
}

/// Returns the end that the last poll of this thread has come to, once.
pub(super) fn take() -> Option<i64> {
    NOTED.take()
}

fn parse(reason: &str) -> Option<i64> {
    let (_, rest) = reason.split_once("end of partition at offset ")?;
    let digits = rest.split(' ').next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_in_the_text_and_taken_once() {
        note("Fetch from broker 1 reached end of partition at offset 1234 (HighwaterMark 1300)");
        assert_eq!(take(), Some(1234));
        assert_eq!(take(), None);
        note("Broker: No more messages");
        assert_eq!(take(), None);
    }
}
