//! The receipts of records that a share group delivers.

use std::fmt::Write as _;

use lambda_esm_core::record::Receipt;

/// Where a record is, and which acquisition of it a receipt is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Acquired {
    pub(super) partition: i32,
    pub(super) offset: i64,
    /// Counts the acquisitions of one member.
    pub(super) number: u64,
}

impl Acquired {
    /// Returns the receipt that the member gives for it.
    pub(super) fn receipt(self, member: &str) -> Receipt {
        let Self {
            partition,
            offset,
            number,
        } = self;
        // For three numbers of up to 20 digits.
        let mut text = String::with_capacity(member.len() + 63);
        text.push_str(member);
        // Writing to a text does not fail.
        write!(text, "/{partition}/{offset}/{number}").ok();
        Receipt(text)
    }

    /// Reads a receipt; `None` if the member gave no such one.
    pub(super) fn read(member: &str, receipt: &Receipt) -> Option<Self> {
        let rest = receipt.0.strip_prefix(member)?.strip_prefix('/')?;
        let mut parts = rest.split('/');
        let acquired = Self {
            partition: parts.next()?.parse().ok()?,
            offset: parts.next()?.parse().ok()?,
            number: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(acquired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_read_by_the_member_that_gave_it_alone() {
        let acquired = Acquired {
            partition: 2,
            offset: 1 << 40,
            number: 7,
        };
        let receipt = acquired.receipt("m");
        assert_eq!(Acquired::read("m", &receipt), Some(acquired));
        assert_eq!(Acquired::read("n", &receipt), None);
        for text in ["", "m", "m/", "m/1/2", "m/1/2/x", "m/1/2/3/4", "mm/1/2/3"] {
            assert_eq!(
                Acquired::read("m", &Receipt(text.to_owned())),
                None,
                "{text}"
            );
        }
    }
}
