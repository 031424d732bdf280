//! Bodies of requests that make and change mappings.
#![no_main]

use lambda_esm_core::Timestamp;
use lambda_esm_core::mapping::{
    Context, CreateEventSourceMapping, Mapping, UpdateEventSourceMapping,
};
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

#[path = "../../crates/api/src/body/json.rs"]
mod json;

/// What the body's reader asks of the crate around it.
mod error {
    #[derive(Debug)]
    pub(crate) struct Fault(pub(crate) String);

    impl Fault {
        pub(crate) fn serialization(text: impl Into<String>) -> Self {
            Self(text.into())
        }
    }
}

/// A refusal is no longer than this, whatever was refused.
const LONGEST_REFUSAL: usize = 16 * 1024;

fuzz_target!(|input: &[u8]| {
    let context = Context {
        region: "us-east-1".to_owned(),
        account_id: "123456789012".to_owned(),
        uuid: Uuid::nil(),
        now: Timestamp(1_704_067_200_250),
        filter_limits: Default::default(),
        dialect: Default::default(),
    };
    let mapping = match json::read::<CreateEventSourceMapping>(input) {
        Err(error::Fault(reason)) => return assert!(reason.len() < LONGEST_REFUSAL),
        Ok(request) => Mapping::create(request, &context),
    };
    match mapping {
        Err(error) => assert!(error.to_string().len() < LONGEST_REFUSAL),
        Ok(mapping) => survives(&mapping, &context),
    }
    if let Ok(update) = json::read::<UpdateEventSourceMapping>(input) {
        let queue =
            r#"{"FunctionName":"f","EventSourceArn":"arn:aws:sqs:us-east-1:123456789012:orders"}"#;
        let queue = serde_json::from_str(queue).expect("it is a request");
        let queue = Mapping::create(queue, &context).expect("it is legal");
        if let Ok(updated) = queue.update(update, &context) {
            survives(&updated, &context);
        }
    }
});

/// A mapping that is kept and restored is the same.
fn survives(mapping: &Mapping, context: &Context) {
    let kept = mapping.to_request();
    let restored = Mapping::create(kept.clone(), context).expect("what is kept is legal");
    assert_eq!(restored.to_request(), kept);
}
