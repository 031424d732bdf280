//! What a Kinesis stream promises beyond text.

use lambda_esm_core::record::{StreamContent, StreamRecord};

use super::reader::StreamReader;
use crate::contract::promise::{broken, holds};
use crate::ports::{Start, StreamSource};

/// Checks that data that are no text come as they were put: every byte, none at all, and many.
///
/// For streams of [`KinesisRecord`](lambda_esm_core::record::KinesisRecord). `put` puts one record with a key
/// and data into the stream. Run it on paused time, unless the source calls a server.
///
/// # Panics
/// Panics if a promise is broken.
pub async fn bytes_contract(source: &dyn StreamSource, put: impl AsyncFn(&str, &[u8])) {
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let many: Vec<u8> = every.iter().copied().cycle().take(100_000).collect();
    let data: [&[u8]; 5] = [&every, b"", b"\xff", b"caf\xe9 \r\n", &many];
    let mut reader = StreamReader::open(source, Start::Latest).await;
    for each in data {
        put("bytes", each).await;
    }
    let found = reader.read(data.len()).await;
    for ((_, record), expected) in found.iter().zip(data) {
        let seen = bytes(record);
        let differs =
            (0..seen.len().max(expected.len())).find(|at| seen.get(*at) != expected.get(*at));
        let at = differs.unwrap_or_default();
        holds(
            "data come byte for byte as they were put",
            differs.is_none(),
            format_args!(
                "{} bytes, with {:?} at {at}",
                expected.len(),
                expected.get(at)
            ),
            &format_args!("{} bytes, with {:?} at {at}", seen.len(), seen.get(at)),
        );
    }
}

fn bytes(record: &StreamRecord) -> &[u8] {
    match &record.content {
        StreamContent::Kinesis(record) => &record.data,
        other => broken("a record of Kinesis has data", "a Kinesis record", other),
    }
}
