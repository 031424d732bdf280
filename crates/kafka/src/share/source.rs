//! A topic that is read as a queue.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{
    FailureDestination, QueueFacts, QueueSource, ReceiveRequest, Received, Settlement,
};
use tokio::sync::Mutex;

use super::cluster::Cluster;
use super::group::Group;
use super::router;
use super::settling::expired;
use crate::auth::ClientSettings;
use crate::connect::Connect;
use crate::destination::TopicDestination;

/// The longest wait for a record.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The shortest: a broker is asked once at least.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
/// The most records of one receive.
const RECEIVE: usize = 1_000;
/// The most settlements of one call.
const SETTLE: usize = 10_000;
/// How long leaving the group may take.
const LEAVE: Duration = Duration::from_secs(5);

/// A topic of a cluster as a share group reads it (Lambda developer guide, "Process Apache Kafka messages with Queue
/// mode"; KIP-932): a queue with a lock and a delivery count for each record.
///
/// All receives go through one member of the group, which has each partition that the group assigns it, and any number
/// of records under way. The receipts of a member are good as long as it holds the lock; what it holds when its
/// connection to a broker ends, or when the partition is led by another one, goes back to the group.
pub struct KafkaShareGroup {
    connect: Arc<dyn Connect>,
    topic: String,
    group: String,
    member: Mutex<Option<Member>>,
}

struct Member {
    settings: ClientSettings,
    group: Arc<Group>,
}

impl KafkaShareGroup {
    /// Returns the topic of that name, read by that group. Nothing is connected to before something is asked of it.
    pub fn new(
        connect: Arc<dyn Connect>,
        topic: impl Into<String>,
        group: impl Into<String>,
    ) -> Self {
        Self {
            connect,
            topic: topic.into(),
            group: group.into(),
            member: Mutex::default(),
        }
    }

    /// Returns the member that there is, or joins. One that is not let in is made anew once its secret has changed.
    async fn member(&self) -> Result<Arc<Group>, SourceError> {
        let mut slot = self.member.lock().await;
        if let Some(Member { settings, group }) = &*slot {
            if !group.is_denied() {
                return Ok(Arc::clone(group));
            }
            if let Some(tokens) = settings.tokens() {
                tokens.renew();
            }
            if self.connect.settings().await? == *settings {
                return Ok(Arc::clone(group));
            }
        }
        let settings = self.connect.settings().await?;
        let cluster = Cluster::connect(&settings, &self.topic, &self.group).await;
        let cluster = cluster.inspect_err(|error| {
            if let (SourceErrorKind::Denied, Some(tokens)) = (error.kind, settings.tokens()) {
                tokens.renew();
            }
        })?;
        let group_settings = cluster.group_settings().await?;
        let group = router::join(cluster, group_settings);
        let member = Member {
            settings,
            group: Arc::clone(&group),
        };
        if let Some(Member { group, .. }) = slot.replace(member) {
            group.leave();
        }
        Ok(group)
    }
}

#[async_trait]
impl QueueSource for KafkaShareGroup {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        let member = self.member().await?;
        let settings = member.cluster.group_settings().await?;
        Ok(QueueFacts::new(settings.lock)
            .with_receive_limit(RECEIVE)
            .with_settle_limit(SETTLE)
            .with_longest_wait(LONGEST_WAIT)
            .with_wait_step(Duration::from_millis(1))
            .with_delivery_limit(Some(settings.delivery_limit))
            .with_can_renew(settings.can_renew))
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let member = self.member().await?;
        let wait = request.wait.clamp(SHORTEST_WAIT, LONGEST_WAIT);
        member.receive(request.max.clamp(1, RECEIVE), wait).await
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        // Nothing is held by a member that has left, and to join for that would lock what nobody asks for.
        let member = self
            .member
            .lock()
            .await
            .as_ref()
            .map(|one| Arc::clone(&one.group));
        Ok(match member {
            Some(member) => member.settle(settlements).await,
            None => {
                vec![Err(expired("was given back, since the group is left")); settlements.len()]
            }
        })
    }

    async fn lags(&self) -> Result<Vec<u64>, SourceError> {
        self.member().await?.cluster.lags().await
    }

    async fn destination(&self, topic: &str) -> Result<Arc<dyn FailureDestination>, SourceError> {
        let connect = Arc::clone(&self.connect);
        Ok(Arc::new(TopicDestination::new(connect, topic)))
    }

    async fn close(&self) {
        let member = self.member.lock().await.take();
        if let Some(Member { group, .. }) = member {
            group.close(LEAVE).await;
        }
    }
}

impl Drop for KafkaShareGroup {
    fn drop(&mut self) {
        if let Some(Member { group, .. }) = self.member.get_mut() {
            group.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use lambda_esm_core::record::Receipt;
    use lambda_esm_engine::ports::SettleVerb;

    use super::*;

    struct Nowhere;

    #[async_trait]
    impl Connect for Nowhere {
        async fn settings(&self) -> Result<ClientSettings, SourceError> {
            unreachable!("nothing is to be connected to")
        }
    }

    #[tokio::test]
    async fn settling_after_the_group_is_left_joins_it_not_again() {
        let source = KafkaShareGroup::new(Arc::new(Nowhere), "orders", "readers");
        source.close().await;
        let verbs = [SettleVerb::Delete, SettleVerb::Release, SettleVerb::Renew];
        let late = verbs.map(|verb| Settlement::new(Receipt("m/0/1/1".to_owned()), verb));
        let outcomes = source.settle(&late).await.unwrap();
        let kinds: Vec<_> = outcomes
            .into_iter()
            .map(|one| one.unwrap_err().kind)
            .collect();
        assert_eq!(kinds, [SourceErrorKind::Expired; 3]);
    }
}
