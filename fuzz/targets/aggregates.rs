//! Aggregated records of the Kinesis Producer Library: the message between the format's magic and its digest.
#![no_main]

use bytes::Bytes;
use lambda_esm_core::kpl::deaggregate;
use libfuzzer_sys::fuzz_target;
use md5::{Digest as _, Md5};

fuzz_target!(|message: &[u8]| {
    let raw = Bytes::copy_from_slice(message);
    assert!(
        deaggregate(&raw).is_none(),
        "a digest does not come by chance"
    );
    let digest = Md5::digest(message);
    let aggregated = Bytes::from([&[0xf3, 0x89, 0x9a, 0xc2], message, &digest].concat());
    if let Some(records) = deaggregate(&aggregated) {
        // Each takes two bytes at least, and shares its data with the whole.
        assert!(!records.is_empty() && records.len() <= message.len() / 2);
        let data: usize = records.iter().map(|record| record.data.len()).sum();
        assert!(data <= message.len());
    }
});
