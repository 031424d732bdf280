//! A member of a consumer group, as the engine knows it.

use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{
    GroupEvent, JoinRequest, OwnedPartition, PartitionOffset, TopicConsumer, TopicFetch, TopicPage,
    Watermarks,
};
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};

use super::beginning::bounds;
use super::commit::{Commits, list, refused};
use super::context::{Context, Membership};
use super::group::{Sending, expired};
use super::member::{ClientSlot, Member};
use super::reader::{Read, Reader};
use crate::client::CALL_BOUND;
use crate::connect::Connect;
use crate::options::KafkaOptions;

/// How long a commit is waited for.
const COMMIT: Duration = Duration::from_secs(15);
/// How long a member is waited for that leaves.
const LEAVE: Duration = Duration::from_secs(5);
/// How old what is known of the logs may be.
const FRESH: Duration = Duration::from_secs(2);

/// Joins a group: begins the thread that does so.
pub(crate) fn join(
    connect: Arc<dyn Connect>,
    topic: String,
    options: KafkaOptions,
    request: JoinRequest,
) -> Result<Arc<dyn TopicConsumer>, SourceError> {
    let group = Arc::new(Membership::new());
    let client = ClientSlot::default();
    let member = Member {
        group: Arc::clone(&group),
        client: Arc::clone(&client),
        connect,
        topic: topic.clone(),
        request,
        options,
        runtime: Handle::current(),
    };
    let thread = thread::Builder::new().name("lambda-esm-kafka".to_owned());
    let begun = thread.spawn(move || member.run());
    begun.map_err(|error| {
        let message = format!("no thread for a consumer of topic {topic}: {error}");
        SourceError::new(SourceErrorKind::Transient, message)
    })?;
    Ok(Arc::new(KafkaConsumer {
        group,
        commits: Commits::default(),
        client,
        topic,
        known: tokio::sync::Mutex::default(),
    }))
}

struct KafkaConsumer {
    group: Arc<Membership>,
    commits: Commits,
    client: ClientSlot,
    topic: String,
    known: tokio::sync::Mutex<Option<(Instant, Vec<Watermarks>)>>,
}

#[async_trait]
impl TopicConsumer for KafkaConsumer {
    async fn next_event(&self) -> GroupEvent {
        self.group.next_event().await
    }

    async fn fetch(&self, request: TopicFetch) -> Result<TopicPage, SourceError> {
        let owned = request.owned;
        let reader = self.group.reader(owned)?;
        let deadline = Instant::now() + request.wait;
        loop {
            match reader.read(request.limit, request.bytes) {
                Read::Page(page) => {
                    if self.group.has_problem() == Some(SourceErrorKind::Denied) {
                        self.group.recovered();
                    }
                    return Ok(page);
                }
                Read::Over => return Err(expired(owned)),
                Read::Damaged => {
                    self.group.fail();
                    return Err(SourceError::new(
                        SourceErrorKind::Transient,
                        format!(
                            "partition {} holds a damaged record: it is read again",
                            owned.partition
                        ),
                    ));
                }
                Read::Nothing(position) => {
                    if timeout_at(deadline, reader.more()).await.is_err() {
                        return Ok(TopicPage::new(Vec::new(), position));
                    }
                }
            }
        }
    }

    async fn commit(&self, offsets: Vec<PartitionOffset>) -> Result<(), SourceError> {
        if offsets.is_empty() {
            return Ok(());
        }
        let permit = |offsets: &[PartitionOffset]| self.group.send(offsets);
        permit(&offsets)?;
        let send = |offsets, permits| self.send(offsets, permits);
        self.commits.commit(offsets, permit, send).await
    }

    async fn let_go(
        &self,
        partitions: Vec<OwnedPartition>,
        offsets: Vec<PartitionOffset>,
    ) -> Result<(), SourceError> {
        let gone = self.group.let_go(&partitions, &offsets)?;
        let over = || SourceError::new(SourceErrorKind::Expired, "the membership is over");
        gone.await.unwrap_or_else(|_| Err(over()))
    }

    async fn watermarks(&self) -> Result<Vec<Watermarks>, SourceError> {
        let mut known = self.known.lock().await;
        if let Some((at, known)) = &*known
            && at.elapsed() < FRESH
        {
            return Ok(known.clone());
        }
        let Some(client) = self.client() else {
            return Ok(Vec::new());
        };
        let owned = self.group.owned();
        let topic = self.topic.clone();
        let found = spawn_blocking(move || look_up(&client, &topic, &owned)).await;
        let found = found
            .map_err(|error| SourceError::new(SourceErrorKind::Transient, error.to_string()))?;
        let found = found.map_err(|error| failed(&error))?;
        *known = Some((Instant::now(), found.clone()));
        Ok(found)
    }

    async fn leave(&self) {
        self.group.leave();
        let group = Arc::clone(&self.group);
        let left = spawn_blocking(move || group.wait_end(LEAVE)).await;
        if let Err(error) = left {
            tracing::warn!(%error, topic = self.topic, "leaving the group");
        }
    }
}

impl KafkaConsumer {
    /// Commits offsets, and waits for the answer. The client does not tell of each partition, only if all were refused:
    /// those of one topic are, or none.
    async fn send(
        &self,
        offsets: Vec<(i32, i64)>,
        permits: Vec<Sending<Reader<Context>>>,
    ) -> Result<(), SourceError> {
        let client = self.client();
        let topic = self.topic.clone();
        let sent = spawn_blocking(move || {
            let sent = match client {
                // It is being closed, and all is lost.
                None => Err(KafkaError::ConsumerCommit(Code::State)),
                Some(client) => client.commit(&list(&topic, &offsets)?, CommitMode::Sync),
            };
            drop(permits);
            sent
        });
        match timeout(COMMIT, sent).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(failed(&error)),
            Ok(Err(error)) => Err(SourceError::new(
                SourceErrorKind::Transient,
                error.to_string(),
            )),
            Err(_) => Err(refused(Code::OperationTimedOut)),
        }
    }

    fn client(&self) -> Option<Arc<BaseConsumer<Context>>> {
        self.client
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        self.group.leave();
    }
}

fn look_up(
    client: &BaseConsumer<Context>,
    topic: &str,
    owned: &[i32],
) -> KafkaResult<Vec<Watermarks>> {
    let low = bounds(client, topic, owned, Offset::Beginning, CALL_BOUND)?;
    let high = bounds(client, topic, owned, Offset::End, CALL_BOUND)?;
    let known = owned.iter().filter_map(|partition| {
        Some(Watermarks {
            partition: *partition,
            low: *low.get(partition)?,
            high: *high.get(partition)?,
        })
    });
    Ok(known.collect())
}

fn failed(error: &KafkaError) -> SourceError {
    refused(error.rdkafka_error_code().unwrap_or(Code::Unknown))
}
