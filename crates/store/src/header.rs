//! The one thing about a redb file that no checksum covers: which of its two commits is the last.
//!
//! redb's header (its design document, "Database header") holds a byte of flags and two commit
//! slots. With two-phase commits, redb trusts the flag that names the slot. If that bit is wrong,
//! an acknowledged transaction would silently be gone, so opening looks at both slots' transaction
//! numbers too. The same picture is left, rightly, by a crash between the two phases.

const MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";
const FLAGS: usize = 9;
const SECOND_SLOT_IS_LAST: u8 = 1;
const TWO_PHASES: u8 = 4;
const SLOTS: [usize; 2] = [64, 192];
const TRANSACTION_NUMBER: usize = 104;

/// Whether the slot that the flags do not name holds the higher transaction number.
pub(crate) fn newer_commit_aside(file: &[u8]) -> bool {
    let (Some(flags), Some(first), Some(second)) = (
        file.get(FLAGS),
        number(file, SLOTS[0]),
        number(file, SLOTS[1]),
    ) else {
        return false;
    };
    let (named, other) = if flags & SECOND_SLOT_IS_LAST == 0 {
        (first, second)
    } else {
        (second, first)
    };
    file.starts_with(MAGIC) && flags & TWO_PHASES != 0 && other > named
}

/// Where the flags are, and what they are when they name the other slot.
pub(crate) fn turned(file: &[u8]) -> (u64, u8) {
    (FLAGS as u64, file[FLAGS] ^ SECOND_SLOT_IS_LAST)
}

fn number(file: &[u8], slot: usize) -> Option<u64> {
    let at = slot + TRANSACTION_NUMBER;
    let bytes = file.get(at..at + 8)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}
