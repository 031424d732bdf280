//! Faults of listings.

use std::num::NonZeroU32;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_engine::ports::{Listing, Shard, ShardId, StreamFacts};

use crate::fault::Fault;
use crate::faulty::{Faulty, START};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn alter(faulty: &Faulty, listing: &mut Listing) {
    let Some(fault) = faulty.fault() else {
        return;
    };
    let (lists, generation) = {
        let mut state = faulty.state();
        state.lists += 1;
        (state.lists, state.generation)
    };
    match fault {
        Fault::IdentityChanges => listing.facts.identity = format!("listing {lists}"),
        Fault::FactsChange => listing.facts.fetch_limit += lists,
        Fault::FormerRecordsStay => listing.facts.identity = format!("stream {generation}"),
        Fault::ShardComesAndGoes if lists > 3 && lists.is_multiple_of(2) => {
            listing.shards.remove(0);
        }
        _ => alter_facts(fault, &mut listing.facts),
    }
    alter_time(fault, &mut listing.server_time);
    alter_shards(fault, &mut listing.shards);
    for child in listing
        .shards
        .iter_mut()
        .filter(|each| !each.parents.is_empty())
    {
        alter_child(fault, child);
    }
}

fn alter_facts(fault: Fault, facts: &mut StreamFacts) {
    match fault {
        Fault::NoIdentity => facts.identity.clear(),
        Fault::RecreatedIsTheSame => facts.identity = "the stream".to_owned(),
        Fault::NoFetchLimit => facts.fetch_limit = 0,
        Fault::FetchLimitTooHigh => facts.fetch_limit = 1_000_000,
        Fault::NoBaseInterval => facts.base_interval = Duration::ZERO,
        Fault::IntervalOfADay => facts.base_interval = YEAR / 365,
        Fault::QuotaTooHigh => facts.reads_per_second = Some(NonZeroU32::MAX),
        Fault::RetentionOfASecond => facts.retention = Some(Duration::from_secs(1)),
        Fault::WaitOfAYear => facts.longest_wait = YEAR,
        Fault::FetchWaitsForEver => facts.longest_wait = Duration::from_secs(5),
        Fault::WaitHoldsUpOthers | Fault::WaitsForRecords => {
            facts.longest_wait = Duration::from_secs(20);
        }
        Fault::GrainOfAYear => facts.arrival_grain = YEAR,
        Fault::ArrivalCutToTheMinute | Fault::GrainTooLong => facts.arrival_grain = MINUTE,
        _ => {}
    }
}

fn alter_time(fault: Fault, server_time: &mut Option<Timestamp>) {
    let Some(time) = *server_time else {
        return;
    };
    *server_time = match fault {
        Fault::ServerTimeAhead => Some(time + Duration::from_secs(3600)),
        Fault::ServerTimeAheadOfArrivals => Some(time + Duration::from_secs(3)),
        Fault::ServerTimeInSeconds => Some(Timestamp(time.millis() / 1000)),
        Fault::ServerTimeBehind => Some(Timestamp(time.millis() - 4000)),
        Fault::ServerTimeStands => Some(START),
        Fault::ServerTimeNotTold => None,
        _ => return,
    };
}

fn alter_shards(fault: Fault, shards: &mut Vec<Shard>) {
    match fault {
        Fault::ShardListedTwice => shards.push(shards[0].clone()),
        Fault::OpenShardNotListed => drop(shards.pop()),
        Fault::OpenShardListedAsClosed => shards[0].closed = true,
        Fault::AllListedAsClosed => shards.iter_mut().for_each(|each| each.closed = true),
        Fault::ListedBackwards => shards.reverse(),
        Fault::ParentOfItself => {
            let id = shards[0].id.clone();
            shards[0].parents.push(id);
        }
        Fault::HashKeysOverlap => {
            if let Some((_, last)) = &mut shards[0].hash_keys {
                *last += 1;
            }
        }
        Fault::NoHashKeys => shards.iter_mut().for_each(|each| each.hash_keys = None),
        Fault::ClosedNotListed => shards.retain(|each| !each.closed),
        Fault::ClosedListedAsOpen => shards.iter_mut().for_each(|each| each.closed = false),
        Fault::ChildrenNotListed => shards.retain(|each| each.parents.is_empty()),
        _ => {}
    }
}

fn alter_child(fault: Fault, child: &mut Shard) {
    match (fault, &mut child.hash_keys) {
        (Fault::ChildrenWithoutParents, _) => child.parents.clear(),
        (Fault::ChildrenWithAForeignParent, _) => child.parents.push(ShardId::new("foreign")),
        (Fault::ChildrenListedAsClosed, _) => child.closed = true,
        (Fault::MergedWithOneParent, _) => child.parents.truncate(1),
        (Fault::ChildHashKeysWithGap, Some((first, _))) => *first += 1,
        (Fault::ChildHashKeysOverlap, Some((first, _))) => *first = first.saturating_sub(1),
        _ => {}
    }
}
