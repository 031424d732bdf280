//! Faults of what members hear.

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{Assignment, GroupEvent, OwnedPartition};

use crate::consumer::FaultyConsumer;
use crate::fault::Fault;

/// Returns what a member hears instead; `None` if nothing.
pub(crate) async fn alter(faulty: &FaultyConsumer, event: GroupEvent) -> Option<GroupEvent> {
    match event {
        GroupEvent::Assigned(assignments) => assigned(faulty, assignments),
        GroupEvent::Revoking(asked) => asked_for(faulty, asked).await,
        GroupEvent::Lost(_) if faulty.is(Fault::LossNotTold) => None,
        event => Some(event),
    }
}

fn assigned(faulty: &FaultyConsumer, mut assignments: Vec<Assignment>) -> Option<GroupEvent> {
    let fault = faulty.fault;
    let mut state = faulty.state();
    for each in &mut assignments {
        let partition = each.owned.partition;
        state.epochs.insert(partition, each.owned.epoch);
        state.fresh.insert(partition, each.committed);
        state.last.remove(&partition);
        match fault {
            Fault::EpochReused => each.owned.epoch = 7,
            Fault::CommittedNotTold => each.committed = None,
            _ => {}
        }
    }
    let whole = GroupEvent::Assigned(assignments.clone());
    match fault {
        Fault::AssignedTwice if !assignments.is_empty() => state.queue.push_back(whole.clone()),
        Fault::AssignedOneByOne if assignments.len() > 1 => {
            let rest = assignments.split_off(1);
            let rest = rest
                .into_iter()
                .map(|each| GroupEvent::Assigned(vec![each]));
            state.queue.extend(rest);
            return Some(GroupEvent::Assigned(assignments));
        }
        Fault::ProblemsTold => {
            let problem = SourceError::new(SourceErrorKind::Transient, "no answer");
            state.queue.push_back(GroupEvent::Problem(problem));
            state.queue.push_back(GroupEvent::Recovered);
        }
        Fault::AskedForWhatIsNotOwned => {
            let strange = assignments.iter().map(|each| OwnedPartition {
                epoch: each.owned.epoch + 1,
                ..each.owned
            });
            let strange: Vec<_> = strange.collect();
            state.queue.push_back(GroupEvent::Revoking(strange));
        }
        Fault::NothingAssignedNotTold if assignments.is_empty() => return None,
        Fault::AddedNotAssigned => {
            assignments.retain(|each| each.owned.partition < faulty.began);
            return Some(GroupEvent::Assigned(assignments));
        }
        _ => {}
    }
    Some(whole)
}

async fn asked_for(faulty: &FaultyConsumer, mut asked: Vec<OwnedPartition>) -> Option<GroupEvent> {
    match faulty.fault {
        Fault::AskedNeverTold => return None,
        Fault::EpochReused => asked.iter_mut().for_each(|each| each.epoch = 7),
        Fault::AskedTwice => {
            let again = GroupEvent::Revoking(asked.clone());
            faulty.state().queue.push_back(again);
        }
        Fault::TwoOwners => {
            let gone = faulty.inner.let_go(asked.clone(), Vec::new()).await;
            assert_eq!(gone, Ok(()));
        }
        Fault::LostWithoutBeingAsked => {
            let gone = faulty.inner.let_go(asked.clone(), Vec::new()).await;
            assert_eq!(gone, Ok(()));
            return Some(GroupEvent::Lost(asked));
        }
        _ => {}
    }
    Some(GroupEvent::Revoking(asked))
}
