//! How requests about acquired records are written (Kafka protocol guide, "flexible versions").

use std::collections::BTreeMap;

use bytes::BufMut;

use super::acknowledgement::Range;

/// Ranges of offsets by topic and partition.
pub(super) type Ranges = BTreeMap<[u8; 16], BTreeMap<i32, Vec<Range>>>;

/// Writes what is told of each partition.
pub(super) fn topics(out: &mut impl BufMut, topics: &Ranges) {
    count(out, topics.len());
    for (topic, partitions) in topics {
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
}

pub(super) fn text(out: &mut impl BufMut, text: &str) {
    count(out, text.len());
    out.put_slice(text.as_bytes());
}

/// Writes how many bytes or elements follow: one more, seven bits at a time, the lowest first.
pub(super) fn count(out: &mut impl BufMut, count: usize) {
    let mut rest = count.saturating_add(1);
    while rest > 0x7f {
        out.put_u8((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.put_u8((rest & 0x7f) as u8);
}

pub(super) fn no_tags(out: &mut impl BufMut) {
    out.put_u8(0);
}
