//! The AWS SDK for Rust leads mappings through their lives.

use std::collections::BTreeSet;

use aws_sdk_lambda::types::{Filter, FilterCriteria, FunctionResponseType};
use futures::{StreamExt as _, stream};
use lambda_esm_tests::{QueueOptions, Recording, Sqs, until};

use crate::support::{Control, configuration, gone, in_state, listed};

const MANY: usize = 120;
const CALLS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rust_sdk_leads_a_mapping_through_its_life() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let queue = sqs.queue("sdk", QueueOptions::default()).await;
    let folder = Recording::default();
    let control = Control::start(folder.folder(), &configuration(&sqs)).await;
    let client = &control.client;
    let filter = Filter::builder().pattern(r#"{"body":{"n":[1]}}"#).build();
    let create = || {
        client
            .create_event_source_mapping()
            .function_name("f")
            .event_source_arn(queue.arn())
    };

    let created = create().batch_size(3).tags("a", "1").send().await.unwrap();
    assert_eq!(created.state.as_deref(), Some("Creating"));
    assert_eq!(
        created.state_transition_reason.as_deref(),
        Some("USER_INITIATED")
    );
    assert_eq!(created.event_source_arn, Some(queue.arn()));
    assert_eq!(created.batch_size, Some(3));
    assert_eq!(created.maximum_batching_window_in_seconds, Some(0));
    assert_eq!(
        created.function_arn.as_deref(),
        Some("arn:aws:lambda:us-east-1:000000000000:function:f")
    );
    assert!(created.last_modified.is_some());
    // Members of other sources are absent.
    assert_eq!(created.starting_position, None);
    assert_eq!(created.parallelization_factor, None);
    let (uuid, arn) = (
        created.uuid.unwrap(),
        created.event_source_mapping_arn.unwrap(),
    );
    assert!(
        arn.ends_with(&format!(":event-source-mapping:{uuid}")),
        "{arn}"
    );
    in_state(client, &uuid, "Enabled").await;

    let update = || client.update_event_source_mapping().uuid(&uuid);
    let updated = update()
        .batch_size(4)
        .filter_criteria(FilterCriteria::builder().filters(filter.clone()).build())
        .function_response_types(FunctionResponseType::ReportBatchItemFailures)
        .send()
        .await
        .unwrap();
    assert_eq!(updated.state.as_deref(), Some("Updating"));
    in_state(client, &uuid, "Enabled").await;
    let got = client.get_event_source_mapping().uuid(&uuid).send().await;
    let got = got.unwrap();
    assert_eq!(got.batch_size, Some(4));
    assert_eq!(got.filter_criteria.unwrap().filters(), [filter]);
    assert_eq!(
        got.function_response_types.unwrap(),
        [FunctionResponseType::ReportBatchItemFailures]
    );

    client
        .tag_resource()
        .resource(&arn)
        .tags("b", "2")
        .send()
        .await
        .unwrap();
    client
        .untag_resource()
        .resource(&arn)
        .tag_keys("a")
        .send()
        .await
        .unwrap();
    let tags = client.list_tags().resource(&arn).send().await.unwrap();
    let tags = tags.tags.unwrap();
    assert_eq!(
        tags.into_iter().collect::<Vec<_>>(),
        [("b".to_owned(), "2".to_owned())]
    );

    let deleted = client
        .delete_event_source_mapping()
        .uuid(&uuid)
        .send()
        .await;
    assert_eq!(deleted.unwrap().state.as_deref(), Some("Deleting"));
    gone(client, &uuid).await;
    control.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rust_sdk_knows_each_error_by_its_type() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let queue = sqs.queue("sdk-errors", QueueOptions::default()).await;
    let folder = Recording::default();
    let control = Control::start(folder.folder(), &configuration(&sqs)).await;
    let client = &control.client;
    let create = || {
        client
            .create_event_source_mapping()
            .function_name("f")
            .event_source_arn(queue.arn())
    };
    let uuid = create().send().await.unwrap().uuid.unwrap();

    let error = create().send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_conflict_exception(), "{error:?}");
    assert!(error.meta().message().unwrap().contains(&uuid), "{error:?}");

    let error = create()
        .batch_size(10)
        .maximum_batching_window_in_seconds(400);
    let error = error.send().await.unwrap_err().into_service_error();
    assert_eq!(
        error.meta().code(),
        Some("ValidationException"),
        "{error:?}"
    );

    let error = create().function_name("g").batch_size(100).send().await;
    let error = error.unwrap_err().into_service_error();
    assert!(error.is_invalid_parameter_value_exception(), "{error:?}");

    in_state(client, &uuid, "Enabled").await;
    let update = |size| {
        client
            .update_event_source_mapping()
            .uuid(&uuid)
            .batch_size(size)
    };
    // A change takes a tenth of a second; on a busy machine the next one may come too late to be refused.
    let refused = async || {
        in_state(client, &uuid, "Enabled").await;
        update(2).send().await.unwrap();
        update(3).send().await.err()
    };
    let error = until(
        "a change while another one is under way is refused",
        refused,
    )
    .await;
    let error = error.into_service_error();
    assert!(error.is_resource_in_use_exception(), "{error:?}");

    let none = "00000000-0000-4000-8000-000000000000";
    let error = client.delete_event_source_mapping().uuid(none).send().await;
    let error = error.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    control.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rust_sdk_pages_through_all_mappings() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let queue = sqs.queue("sdk-pages", QueueOptions::default()).await;
    let folder = Recording::default();
    let control = Control::start(folder.folder(), &configuration(&sqs)).await;
    let client = &control.client;
    let create = |number| {
        client
            .create_event_source_mapping()
            .function_name(format!("f-{number}"))
            .event_source_arn(queue.arn())
            .enabled(false)
            .send()
    };
    let created = stream::iter((0..MANY).map(create)).buffer_unordered(CALLS);
    let created: BTreeSet<String> = created
        .map(|made| made.unwrap().uuid.unwrap())
        .collect()
        .await;
    assert_eq!(created.len(), MANY);
    for size in [1, 7, 100] {
        let found = listed(client, size).await.unwrap();
        let found: BTreeSet<String> = found.into_iter().filter_map(|each| each.uuid).collect();
        assert_eq!(found, created, "pages of {size}");
    }
    control.stop().await;
}
