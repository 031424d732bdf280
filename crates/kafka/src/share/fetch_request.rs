//! The request `ShareFetch` 2, with what is told of records along the way (KIP-932, KIP-1206).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::BufMut;

use super::acknowledgement::Bundle;
use super::lock_book::Place;
use super::whole_batches::Demand;
use super::wire::{Ranges, count, no_tags, text, topics};

/// At least how much a fetch waits for, in bytes: any record.
const LEAST: i32 = 1;
/// About how much a fetch brings at most, in bytes; one record may be more.
const MOST: i32 = 16 * 1024 * 1024;
/// Has the broker acquire whole batches, until there are as many records as are asked for (KIP-1206).
const WHOLE_BATCHES: u8 = 0;
/// Has it acquire no more records than are asked for, whatever batches they are in.
const EXACTLY: u8 = 1;

/// What a broker is asked for, and told.
pub(super) struct FetchRequest<'a> {
    pub(super) group: &'a str,
    pub(super) member: &'a str,
    pub(super) epoch: i32,
    /// How long the broker may wait for a record.
    pub(super) wait: Duration,
    /// The most records, but for whole batches.
    records: i32,
    mode: u8,
    named: Ranges,
    forgotten: BTreeMap<[u8; 16], Vec<i32>>,
}

impl<'a> FetchRequest<'a> {
    /// Returns the request for records of a session.
    pub(super) fn new(
        group: &'a str,
        member: &'a str,
        epoch: i32,
        wait: Duration,
        demand: Demand,
    ) -> Self {
        Self {
            group,
            member,
            epoch,
            wait,
            records: i32::try_from(demand.records).unwrap_or(i32::MAX),
            mode: if demand.whole_batches {
                WHOLE_BATCHES
            } else {
                EXACTLY
            },
            named: Ranges::new(),
            forgotten: BTreeMap::new(),
        }
    }

    /// Has the broker read `wanted` from now on, where it has read `known` until now.
    pub(super) fn read(mut self, known: &BTreeSet<Place>, wanted: &BTreeSet<Place>) -> Self {
        for (topic, partition) in wanted.difference(known) {
            self.named
                .entry(*topic)
                .or_default()
                .entry(*partition)
                .or_default();
        }
        for (topic, partition) in known.difference(wanted) {
            self.forgotten.entry(*topic).or_default().push(*partition);
        }
        self
    }

    /// Tells these bundles along with it, of which each is of another partition, and each partition is read.
    pub(super) fn tell(mut self, bundles: &mut [Bundle]) -> Self {
        for bundle in bundles {
            let partitions = self.named.entry(bundle.topic).or_default();
            partitions.insert(bundle.partition, bundle.ranges());
        }
        self
    }

    /// Writes it, without the header.
    pub(super) fn encode(&self, out: &mut impl BufMut) {
        text(out, self.group);
        text(out, self.member);
        out.put_i32(self.epoch);
        out.put_i32(i32::try_from(self.wait.as_millis()).unwrap_or(i32::MAX));
        out.put_i32(LEAST);
        out.put_i32(MOST);
        out.put_i32(self.records);
        // How many records of a partition make one range in the answer, at most.
        out.put_i32(self.records);
        out.put_u8(self.mode);
        // Renewals are told apart: who renews fetches nothing (KIP-1222).
        out.put_u8(0);
        topics(out, &self.named);
        count(out, self.forgotten.len());
        for (topic, partitions) in &self.forgotten {
            out.put_slice(topic);
            count(out, partitions.len());
            for partition in partitions {
                out.put_i32(*partition);
            }
            no_tags(out);
        }
        no_tags(out);
    }
}

#[cfg(test)]
mod tests {
    use krafka::__private::protocol::{
        ShareFetchForgottenTopic, ShareFetchPartition, ShareFetchRequest, ShareFetchTopic,
    };

    use super::*;
    use crate::share::acknowledgement::{Acknowledgement, Kind};
    use crate::share::receipt::Acquired;

    const TOPIC: [u8; 16] = [9; 16];

    fn places(partitions: &[i32]) -> BTreeSet<Place> {
        partitions
            .iter()
            .map(|partition| (TOPIC, *partition))
            .collect()
    }

    fn request(whole_batches: bool) -> FetchRequest<'static> {
        let demand = Demand {
            records: 300,
            whole_batches,
        };
        FetchRequest::new("g", "m", 7, Duration::from_millis(50), demand)
    }

    #[test]
    fn without_ranges_it_is_what_krafka_writes() {
        let partition = |partition_index| ShareFetchPartition {
            partition_index,
            acknowledgement_batches: Vec::new(),
        };
        let expected = ShareFetchRequest {
            group_id: Some("g".to_owned()),
            member_id: Some("m".to_owned()),
            share_session_epoch: 7,
            max_wait_ms: 50,
            min_bytes: 1,
            max_bytes: 16 * 1024 * 1024,
            max_records: 300,
            batch_size: 300,
            topics: vec![ShareFetchTopic {
                topic_id: TOPIC,
                partitions: vec![partition(3), partition(4)],
            }],
            forgotten_topics: vec![ShareFetchForgottenTopic {
                topic_id: TOPIC,
                partitions: vec![1],
            }],
        };
        // Whole batches are mode 0, the exact number is mode 1.
        for (whole_batches, mode) in [(true, 0), (false, 1)] {
            let mut expected_bytes = Vec::new();
            expected
                .encode_v2(&mut expected_bytes, mode, false)
                .unwrap();
            let mut bytes = Vec::new();
            let request = request(whole_batches).read(&places(&[1, 2]), &places(&[2, 3, 4]));
            request.encode(&mut bytes);
            assert_eq!(bytes, expected_bytes, "{mode}");
        }
    }

    #[test]
    fn what_is_told_names_its_partition_once() {
        let acquired = Acquired {
            partition: 3,
            offset: 5,
            number: 1,
        };
        let all = vec![Acknowledgement::of(Kind::Accept, acquired)];
        let told = request(false)
            .read(&places(&[]), &places(&[3]))
            .tell(&mut [Bundle::new(TOPIC, 3, all)]);
        let mut bytes = Vec::new();
        told.encode(&mut bytes);
        let mut expected = vec![2];
        expected.extend(TOPIC);
        expected.extend([2, 0, 0, 0, 3, 2]);
        expected.extend(5_i64.to_be_bytes());
        expected.extend(5_i64.to_be_bytes());
        // The kind, then the ends of range, partition, topic; no topic is forgotten; the end of the request.
        expected.extend([2, 1, 0, 0, 0, 1, 0]);
        assert!(bytes.ends_with(&expected), "{bytes:?}");
    }
}
