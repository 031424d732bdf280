//! How the members of a group share partitions: evenly, and with as few moves as that takes.

use std::collections::BTreeMap;

/// The number of a member, in the order in which they joined.
pub(super) type MemberId = u64;

/// What has to change.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Moves {
    /// Partitions to ask back for.
    pub(super) take: Vec<i32>,
    /// Free partitions, and who gets them.
    pub(super) give: Vec<(i32, MemberId)>,
}

/// Returns the moves after which no two members differ by more than one partition. `held` says who has which; beside
/// those that are `free`, so many are `moving`: they are free later.
pub(super) fn moves(
    members: impl Iterator<Item = MemberId>,
    held: &BTreeMap<i32, MemberId>,
    free: &[i32],
    moving: usize,
) -> Moves {
    let mut shares: Vec<(MemberId, Vec<i32>)> = members.map(|id| (id, Vec::new())).collect();
    if shares.is_empty() {
        return Moves::default();
    }
    for (partition, owner) in held {
        if let Some((_, share)) = shares.iter_mut().find(|(id, _)| id == owner) {
            share.push(*partition);
        }
    }
    // Those who have more keep more.
    shares.sort_by_key(|(_, share)| std::cmp::Reverse(share.len()));
    let partitions = held.len() + free.len() + moving;
    let (each, more) = (partitions / shares.len(), partitions % shares.len());
    let mut moves = Moves::default();
    let mut free = free.iter();
    for (n, (id, share)) in shares.iter().enumerate() {
        let due = each + usize::from(n < more);
        moves.take.extend(share.iter().skip(due));
        let lacking = due.saturating_sub(share.len());
        let given = free.by_ref().take(lacking);
        moves.give.extend(given.map(|partition| (*partition, *id)));
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Carries moves out until there are none; returns how many partitions went from one member to another.
    fn settle(members: &[MemberId], partitions: i32, held: &mut BTreeMap<i32, MemberId>) -> usize {
        held.retain(|_, owner| members.contains(owner));
        let mut taken = 0;
        for _ in 0..3 {
            let free: Vec<_> = (0..partitions).filter(|p| !held.contains_key(p)).collect();
            let moves = moves(members.iter().copied(), held, &free, 0);
            taken += moves.take.len();
            for partition in moves.take {
                held.remove(&partition);
            }
            held.extend(moves.give);
        }
        taken
    }

    #[test]
    fn shares_differ_by_one_at_most_and_no_more_moves_than_must() {
        for partitions in 1..=13 {
            let mut held = BTreeMap::new();
            let mut members: Vec<MemberId> = Vec::new();
            for step in 0..30u64 {
                if step % 5 == 4 || step > 22 {
                    members.remove(0);
                } else {
                    members.push(step);
                }
                let taken = settle(&members, partitions, &mut held);
                if members.is_empty() {
                    break;
                }
                let sizes = members
                    .iter()
                    .map(|id| held.values().filter(|owner| *owner == id).count());
                let (least, most) = (sizes.clone().min().unwrap(), sizes.max().unwrap());
                assert!(most - least <= 1, "{partitions} at {step}: {held:?}");
                assert_eq!(held.len(), partitions.unsigned_abs() as usize);
                assert!(
                    taken <= most,
                    "{taken} of {partitions} moved at step {step}"
                );
            }
        }
    }

    #[test]
    fn what_moves_is_kept_for_those_who_lack_it() {
        let held = BTreeMap::from([(0, 1), (1, 1), (2, 1), (3, 1)]);
        let asked = moves([1, 2].into_iter(), &held, &[], 0);
        assert_eq!((asked.take, asked.give), (vec![2, 3], vec![]));
        let held = BTreeMap::from([(0, 1), (1, 1)]);
        assert_eq!(moves([1, 2].into_iter(), &held, &[], 2), Moves::default());
        let given = moves([1, 2].into_iter(), &held, &[2], 1);
        assert_eq!((given.take, given.give), (vec![], vec![(2, 2)]));
    }
}
