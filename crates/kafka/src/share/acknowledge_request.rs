//! The request `ShareAcknowledge` 2, whose ranges krafka lets nobody else make (KIP-932, KIP-1222).

use bytes::BufMut;

use super::acknowledgement::Bundle;
use super::wire::{Ranges, no_tags, text, topics};

/// What a broker is told of acquired records.
pub(super) struct AcknowledgeRequest<'a> {
    pub(super) group: &'a str,
    pub(super) member: &'a str,
    pub(super) epoch: i32,
    /// Whether locks are renewed.
    pub(super) renews: bool,
    topics: Ranges,
}

impl<'a> AcknowledgeRequest<'a> {
    /// Returns the request that tells of these bundles, of which each is of another partition.
    pub(super) fn new(group: &'a str, member: &'a str, epoch: i32, bundles: &mut [Bundle]) -> Self {
        let renews = bundles.iter().any(Bundle::renews);
        let mut topics = Ranges::new();
        for bundle in bundles {
            let partitions = topics.entry(bundle.topic).or_default();
            partitions.insert(bundle.partition, bundle.ranges());
        }
        Self {
            group,
            member,
            epoch,
            renews,
            topics,
        }
    }

    /// Writes it, without the header.
    pub(super) fn encode(&self, out: &mut impl BufMut) {
        text(out, self.group);
        text(out, self.member);
        out.put_i32(self.epoch);
        out.put_u8(self.renews.into());
        topics(out, &self.topics);
        no_tags(out);
    }
}

#[cfg(test)]
mod tests {
    use krafka::__private::protocol::{
        ShareAcknowledgePartition, ShareAcknowledgeRequest, ShareAcknowledgeTopic,
    };

    use super::*;
    use crate::share::acknowledgement::{Acknowledgement, Kind};
    use crate::share::receipt::Acquired;

    #[test]
    fn without_ranges_it_is_what_krafka_writes() {
        let group = "g".repeat(300);
        let partition = |partition_index| ShareAcknowledgePartition {
            partition_index,
            acknowledgement_batches: Vec::new(),
        };
        let expected = ShareAcknowledgeRequest {
            group_id: Some(group.clone()),
            member_id: Some("m".to_owned()),
            share_session_epoch: 7,
            topics: vec![ShareAcknowledgeTopic {
                topic_id: [9; 16],
                partitions: vec![partition(1), partition(2)],
            }],
        };
        let mut expected_bytes = Vec::new();
        expected.encode_v2(&mut expected_bytes, false).unwrap();
        let mut bundles = [1, 2].map(|partition| Bundle::new([9; 16], partition, Vec::new()));
        let mut bytes = Vec::new();
        AcknowledgeRequest::new(&group, "m", 7, &mut bundles).encode(&mut bytes);
        assert_eq!(bytes, expected_bytes);
    }

    #[test]
    fn a_range_has_one_kind() {
        let acquired = Acquired {
            partition: 3,
            offset: 5,
            number: 1,
        };
        let all = vec![Acknowledgement::of(Kind::Renew, acquired)];
        let mut bytes = Vec::new();
        AcknowledgeRequest::new("g", "m", 1, &mut [Bundle::new([9; 16], 3, all)])
            .encode(&mut bytes);
        let mut expected = vec![2, b'g', 2, b'm', 0, 0, 0, 1, 1, 2];
        expected.extend([9; 16]);
        expected.extend([2, 0, 0, 0, 3, 2]);
        expected.extend(5_i64.to_be_bytes());
        expected.extend(5_i64.to_be_bytes());
        expected.extend([2, 4, 0, 0, 0, 0]);
        assert_eq!(bytes, expected);
    }
}
