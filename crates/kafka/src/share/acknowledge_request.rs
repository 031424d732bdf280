//! The request `ShareAcknowledge` 2, whose ranges krafka lets nobody else make (KIP-932, KIP-1222).

use std::collections::BTreeMap;

use bytes::BufMut;

use super::acknowledgement::{Bundle, Range};

/// What a broker is told of acquired records.
pub(super) struct AcknowledgeRequest<'a> {
    pub(super) group: &'a str,
    pub(super) member: &'a str,
    pub(super) epoch: i32,
    /// Whether locks are renewed.
    pub(super) renews: bool,
    topics: BTreeMap<[u8; 16], Vec<(i32, Vec<Range>)>>,
}

impl<'a> AcknowledgeRequest<'a> {
    /// Returns the request that tells of these bundles, of which each is of another partition.
    pub(super) fn new(group: &'a str, member: &'a str, epoch: i32, bundles: &mut [Bundle]) -> Self {
        let renews = bundles.iter().any(Bundle::renews);
        let mut topics: BTreeMap<[u8; 16], Vec<(i32, Vec<Range>)>> = BTreeMap::new();
        for bundle in bundles {
            let partition = (bundle.partition, bundle.ranges());
            topics.entry(bundle.topic).or_default().push(partition);
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
        count(out, self.topics.len());
        for (topic, partitions) in &self.topics {
            out.put_slice(topic);
            count(out, partitions.len());
            for (partition, ranges) in partitions {
                out.put_i32(*partition);
                count(out, ranges.len());
                for range in ranges {
                    out.put_i64(range.first);
                    out.put_i64(range.last);
                    count(out, 1);
                    out.put_i8(range.kind as i8);
                    no_tags(out);
                }
                no_tags(out);
            }
            no_tags(out);
        }
        no_tags(out);
    }
}

fn text(out: &mut impl BufMut, text: &str) {
    count(out, text.len());
    out.put_slice(text.as_bytes());
}

/// Writes how many bytes or elements follow: one more, seven bits at a time, the lowest first.
fn count(out: &mut impl BufMut, count: usize) {
    let mut rest = count.saturating_add(1);
    while rest > 0x7f {
        out.put_u8((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.put_u8((rest & 0x7f) as u8);
}

fn no_tags(out: &mut impl BufMut) {
    out.put_u8(0);
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
