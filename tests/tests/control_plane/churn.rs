//! Many clients at a time, as when an infrastructure tool applies a plan to hundreds of mappings.

use std::collections::BTreeMap;

use aws_sdk_lambda::Client;
use futures::future::join_all;
use lambda_esm_tests::{Queue, QueueOptions, Recording, Sqs, until};

use crate::support::{Control, configuration, gone, listed};

const CLIENTS: usize = 8;
const EACH: usize = 25;
const QUEUES: usize = 4;
const ROUNDS: usize = 3;
const SEED: u64 = 200;
/// What all rounds but the first may leave behind. A leak of 20 KiB for each mapping would be as much.
const GROWTH_KIB: u64 = 8 * 1024;

/// Creates and changes mappings, and returns the last acknowledged `BatchSize` of each.
async fn apply(
    client: &Client,
    queues: &[Queue],
    number: usize,
    seed: u64,
) -> BTreeMap<String, i32> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut plan = BTreeMap::new();
    for n in 0..EACH {
        let created = client
            .create_event_source_mapping()
            .function_name(format!("f-{number}-{n}"))
            .event_source_arn(queues[n % QUEUES].arn())
            .enabled(n % 4 == 0)
            .batch_size(random.i32(1..=10))
            .send()
            .await
            .unwrap();
        plan.insert(created.uuid.unwrap(), created.batch_size.unwrap());
    }
    for _ in 0..2 {
        for (uuid, size) in &mut plan {
            *size = resize(client, uuid, random.i32(1..=10)).await;
            let got = client.get_event_source_mapping().uuid(uuid).send().await;
            assert_eq!(
                got.unwrap().batch_size,
                Some(*size),
                "not what was acknowledged"
            );
        }
        let page = listed(client, 30).await.unwrap();
        for (uuid, size) in &plan {
            let mut found = page.iter().filter(|each| each.uuid.as_ref() == Some(uuid));
            let found = found
                .next()
                .unwrap_or_else(|| panic!("{uuid} is not listed"));
            assert_eq!(found.batch_size, Some(*size), "{uuid} is listed as it was");
        }
    }
    plan
}

/// Changes the batch size as soon as the mapping is in no transition.
async fn resize(client: &Client, uuid: &str, size: i32) -> i32 {
    until("the update is accepted", async || {
        let update = client
            .update_event_source_mapping()
            .uuid(uuid)
            .batch_size(size);
        match update.send().await {
            Ok(updated) => updated.batch_size,
            Err(error) => {
                let error = error.into_service_error();
                assert!(error.is_resource_in_use_exception(), "{error:?}");
                None
            }
        }
    })
    .await
}

/// Deletes each as soon as it is in no transition.
async fn destroy(client: &Client, plan: &BTreeMap<String, i32>) {
    for uuid in plan.keys() {
        until("the deletion is accepted", async || {
            match client.delete_event_source_mapping().uuid(uuid).send().await {
                Ok(_) => Some(()),
                Err(error) => {
                    let error = error.into_service_error();
                    assert!(error.is_resource_in_use_exception(), "{error:?}");
                    None
                }
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_clients_churn_two_hundred_mappings_and_lose_no_update() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let mut queues = Vec::new();
    for _ in 0..QUEUES {
        queues.push(sqs.queue("churn", QueueOptions::default()).await);
    }
    let folder = Recording::default();
    let control = Control::start(folder.folder(), &configuration(&sqs)).await;
    let client = &control.client;
    let mut resident = vec![control.daemon.resident()];
    for round in 0..ROUNDS {
        let seeds = (0..CLIENTS).map(|number| (number, SEED + (round * CLIENTS + number) as u64));
        let plans = seeds.map(|(number, seed)| apply(client, &queues, number, seed));
        let plans = join_all(plans).await;

        // A quiet moment: every page holds what it must, and nothing else.
        let told: BTreeMap<_, _> = plans
            .iter()
            .flatten()
            .map(|(k, v)| (k.clone(), *v))
            .collect();
        assert_eq!(told.len(), CLIENTS * EACH);
        for size in [7, 100] {
            let found = listed(client, size).await.unwrap();
            let found = found
                .into_iter()
                .map(|each| (each.uuid.unwrap(), each.batch_size.unwrap()));
            assert_eq!(found.collect::<BTreeMap<_, _>>(), told, "pages of {size}");
        }

        join_all(plans.iter().map(|plan| destroy(client, plan))).await;
        until("all mappings are gone", async || {
            listed(client, 100).await.unwrap().is_empty().then_some(())
        })
        .await;
        resident.push(control.daemon.resident());
    }
    println!("resident memory in KiB, at start and after each round: {resident:?}");
    let (first, last) = (resident[1], resident[ROUNDS]);
    assert!(
        last <= first + GROWTH_KIB,
        "memory grew from {first} to {last} KiB after {ROUNDS} rounds"
    );
    control.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mappings_that_were_churned_are_the_same_after_a_restart() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let queues = [
        sqs.queue("churn-kept", QueueOptions::default()).await,
        sqs.queue("churn-kept", QueueOptions::default()).await,
        sqs.queue("churn-kept", QueueOptions::default()).await,
        sqs.queue("churn-kept", QueueOptions::default()).await,
    ];
    let folder = Recording::default();
    let control = Control::start(folder.folder(), &configuration(&sqs)).await;
    let plans = (0..2).map(|number| apply(&control.client, &queues, number, SEED + number as u64));
    let plans = join_all(plans).await;
    control.stop().await;

    let control = Control::start(folder.folder(), &configuration(&sqs)).await;
    let found = listed(&control.client, 100).await.unwrap();
    let found = found
        .into_iter()
        .map(|each| (each.uuid.unwrap(), each.batch_size.unwrap()));
    let told: BTreeMap<_, _> = plans.into_iter().flatten().collect();
    assert_eq!(found.collect::<BTreeMap<_, _>>(), told);
    for plan in told.keys().take(4) {
        destroy(&control.client, &BTreeMap::from([(plan.clone(), 0)])).await;
        gone(&control.client, plan).await;
    }
    control.stop().await;
}
