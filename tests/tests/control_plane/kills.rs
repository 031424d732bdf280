//! The daemon is killed while clients change mappings and messages are processed. Afterwards every
//! mapping is as its client was told, and no message is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::SdkError;
use futures::future::join_all;
use lambda_esm_tests::{Python, QueueOptions, Recording, Sqs, processes_with, until};

use crate::support::{Control, configuration, listed};

const KILLS: usize = 30;
const MESSAGES: usize = 20;
const CLIENTS: usize = 4;
const SEED: u64 = 30;

/// What one client knows of a mapping of its own.
#[derive(Clone, Debug, Default)]
struct Known {
    /// Its name at the service; `None` while its creation is not answered.
    uuid: Option<String>,
    /// The batch sizes it may have: the last acknowledged, and one whose update was not answered.
    sizes: Vec<i32>,
    /// Whether it may, or must, be gone.
    deletion: Deletion,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Deletion {
    #[default]
    None,
    Asked,
    Acknowledged,
}

/// What one client was told, by function name.
struct Told {
    client: usize,
    next: usize,
    mappings: BTreeMap<String, Known>,
    random: fastrand::Rng,
}

/// An answer: acceptance, a refusal because of a transition, or none.
enum Answer<T> {
    Done(T),
    Busy,
    Lost,
}

fn answer<T, E: std::error::Error + 'static>(
    result: Result<T, SdkError<E>>,
    busy: impl Fn(&E) -> bool,
) -> Answer<T> {
    match result {
        Ok(done) => Answer::Done(done),
        Err(SdkError::ServiceError(error)) if busy(error.err()) => Answer::Busy,
        Err(SdkError::ServiceError(error)) => panic!("refused: {:?}", error.err()),
        Err(_) => Answer::Lost,
    }
}

impl Told {
    /// Changes mappings until the daemon no longer answers.
    async fn churn(&mut self, client: &Client, source: &str) {
        loop {
            let names: Vec<String> = self.mappings.keys().cloned().collect();
            let lost = if names.len() < 3 || (names.len() < 8 && self.random.u8(0..3) == 0) {
                self.create(client, source).await
            } else {
                let name = names[self.random.usize(0..names.len())].clone();
                match self.random.u8(0..4) {
                    0 => self.delete(client, &name).await,
                    _ => self.update(client, &name).await,
                }
            };
            if lost {
                return;
            }
        }
    }

    async fn create(&mut self, client: &Client, source: &str) -> bool {
        let name = format!("f-{}-{}", self.client, self.next);
        self.next += 1;
        let size = self.random.i32(1..=10);
        let request = client
            .create_event_source_mapping()
            .function_name(&name)
            .event_source_arn(source)
            .enabled(self.random.bool())
            .batch_size(size);
        let known = self.mappings.entry(name).or_default();
        known.sizes = vec![size];
        match answer(request.send().await, |_| false) {
            Answer::Done(created) => {
                known.uuid = created.uuid;
                false
            }
            Answer::Busy | Answer::Lost => true,
        }
    }

    async fn update(&mut self, client: &Client, name: &str) -> bool {
        let known = self.mappings.get_mut(name).unwrap();
        let size = self.random.i32(1..=10);
        let uuid = known.uuid.clone().unwrap();
        let request = client
            .update_event_source_mapping()
            .uuid(uuid)
            .batch_size(size);
        match answer(request.send().await, |error| {
            error.is_resource_in_use_exception()
        }) {
            Answer::Done(_) => known.sizes = vec![size],
            Answer::Busy => {}
            Answer::Lost => known.sizes.push(size),
        }
        known.sizes.len() > 1
    }

    async fn delete(&mut self, client: &Client, name: &str) -> bool {
        let known = self.mappings.get_mut(name).unwrap();
        let uuid = known.uuid.clone().unwrap();
        let request = client.delete_event_source_mapping().uuid(&uuid);
        match answer(request.send().await, |error| {
            error.is_resource_in_use_exception()
        }) {
            Answer::Busy => return false,
            Answer::Lost => {
                known.deletion = Deletion::Asked;
                return true;
            }
            Answer::Done(_) => known.deletion = Deletion::Acknowledged,
        }
        // Gone for this client's further changes; whether it stays so is looked at after the kill.
        let known = self.mappings.remove(name).unwrap();
        self.mappings.insert(format!("deleted {name}"), known);
        self.forget_deleted(client).await
    }

    /// Sees to a deletion, so that at most one is under way. Tells whether the daemon is lost.
    async fn forget_deleted(&mut self, client: &Client) -> bool {
        let deleted = |known: &Known| known.deletion == Deletion::Acknowledged;
        while let Some((name, known)) = self.mappings.iter().find(|(_, known)| deleted(known)) {
            let (name, uuid) = (name.clone(), known.uuid.clone().unwrap());
            match client.get_event_source_mapping().uuid(uuid).send().await {
                Ok(got) => assert_eq!(got.state.as_deref(), Some("Deleting"), "{name}"),
                Err(SdkError::ServiceError(error)) => {
                    assert!(error.err().is_resource_not_found_exception(), "{error:?}");
                    self.mappings.remove(&name);
                }
                Err(_) => return true,
            }
        }
        false
    }

    /// Compares what is there with what this client was told, and takes over what it could not know.
    async fn compare(&mut self, client: &Client, found: &BTreeMap<String, (String, i32, String)>) {
        self.forget_deleted(client).await;
        let names: Vec<String> = self.mappings.keys().cloned().collect();
        for name in names {
            let known = self.mappings.get_mut(&name).unwrap();
            match found.get(&name) {
                Some((uuid, size, state)) => {
                    assert!(
                        known.sizes.contains(size),
                        "{name} has size {size}: {known:?}"
                    );
                    assert!(
                        known.uuid.as_ref().is_none_or(|told| told == uuid),
                        "{name}"
                    );
                    *known = Known {
                        uuid: Some(uuid.clone()),
                        sizes: vec![*size],
                        deletion: Deletion::None,
                    };
                    if state == "Deleting" {
                        known.deletion = Deletion::Acknowledged;
                    }
                }
                None => {
                    let may = known.uuid.is_none() || known.deletion == Deletion::Asked;
                    assert!(may, "{name} is lost: {known:?}");
                    self.mappings.remove(&name);
                }
            }
        }
        self.forget_deleted(client).await;
    }
}

/// Lists all mappings by function name: UUID, batch size, state.
async fn found(client: &Client) -> BTreeMap<String, (String, i32, String)> {
    let all = listed(client, 100).await.unwrap();
    let named = all.into_iter().map(|each| {
        let arn = each.function_arn.unwrap();
        let name = arn.rsplit(':').next().unwrap().to_owned();
        (
            name,
            (
                each.uuid.unwrap(),
                each.batch_size.unwrap(),
                each.state.unwrap(),
            ),
        )
    });
    named.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_killed_thirty_times_in_churn_keeps_its_word() {
    let (Some(sqs), Some(python)) = (Sqs::elasticmq(), Python::find()) else {
        return;
    };
    let options = QueueOptions {
        visibility_timeout: Duration::from_secs(12),
        ..QueueOptions::default()
    };
    let queue = sqs.queue("kept-word", options).await;
    let idle = sqs.queue("kept-word-idle", QueueOptions::default()).await;
    let recording = Recording::default();
    let marker = recording.file().display().to_string();
    let mut configuration = configuration(&sqs);
    configuration["functions"]["record"] =
        python.section("record.handler", &recording, &[("SLEEP_MS", "20")]);

    let mut random = fastrand::Rng::with_seed(SEED);
    let mut clients: Vec<Told> = (0..CLIENTS)
        .map(|client| Told {
            client,
            next: 0,
            mappings: BTreeMap::new(),
            random: fastrand::Rng::with_seed(SEED + 1 + client as u64),
        })
        .collect();
    let mut changes = 0;
    for round in 0..=KILLS {
        let control = Control::start(recording.folder(), &configuration).await;
        let client = control.client.clone();
        let there = found(&client).await;
        let known: Vec<&String> = clients
            .iter()
            .flat_map(|told| told.mappings.keys())
            .collect();
        for name in there.keys().filter(|name| *name != "record") {
            let gone = format!("deleted {name}");
            assert!(
                known.contains(&name) || known.contains(&&gone),
                "{name} is back"
            );
        }
        for told in &mut clients {
            told.compare(&client, &there).await;
        }
        if round == 0 {
            let request = client.create_event_source_mapping().function_name("record");
            let request = request.event_source_arn(queue.arn()).batch_size(5);
            request.send().await.unwrap();
        } else {
            assert!(
                there.contains_key("record"),
                "the mapping with messages is lost"
            );
        }
        if round == KILLS {
            queue.until_empty().await;
            changes += clients.iter().map(|told| told.next).sum::<usize>();
            control.stop().await;
            break;
        }
        queue
            .send((0..MESSAGES).map(|number| format!("{round}-{number}")))
            .await;
        let source = idle.arn();
        let churn = join_all(clients.iter_mut().map(|told| told.churn(&client, &source)));
        let kill = async {
            tokio::time::sleep(Duration::from_millis(random.u64(0..600))).await;
            control.daemon.kill().await;
        };
        tokio::join!(churn, kill);
        until("the killed daemon's functions end", async || {
            processes_with(&marker).is_empty().then_some(())
        })
        .await;
    }

    let seen = recording.times_seen();
    let sent = (0..KILLS).flat_map(|round| (0..MESSAGES).map(move |n| format!("{round}-{n}")));
    let lost: Vec<String> = sent.filter(|body| !seen.contains_key(body)).collect();
    assert!(lost.is_empty(), "{} lost: {lost:?}", lost.len());
    let again = seen.values().sum::<usize>() - seen.len();
    println!(
        "{} messages, {again} handled again; {changes} mappings made, {KILLS} kills",
        seen.len()
    );
}
