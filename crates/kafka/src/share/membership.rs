//! The membership of a share group: heartbeats to the group's coordinator, which says what the member is to read.

use std::sync::Arc;
use std::time::Duration;

use krafka::__private::protocol::{
    ApiKey, FindCoordinatorRequest, FindCoordinatorResponse, ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse, VersionedDecode, VersionedEncode, versions,
};
use krafka::KrafkaError;
use krafka::error::ErrorCode;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::cluster::offers;
use super::group::{Group, Reporter};

/// The epoch of a member that joins.
const JOINS: i32 = 0;
/// The epoch of a member that leaves.
const LEAVES: i32 = -1;
/// How soon a member asks again that nothing is assigned to yet: the coordinator may be about to.
const SOON: Duration = Duration::from_millis(500);
/// How often a member asks so soon, before it waits as long as the coordinator says.
const SOON_TIMES: u32 = 40;
/// How long a member waits after a failure, at first and at most.
const BACKOFF: Duration = Duration::from_millis(100);
const BACKOFF_MOST: Duration = Duration::from_secs(2);
/// The longest and the shortest time between heartbeats, whatever the coordinator says.
const LONGEST: Duration = Duration::from_secs(30);
const SHORTEST: Duration = Duration::from_millis(50);
/// The version of the request for a coordinator that names one group.
const FIND_VERSION: i16 = 3;

struct Membership {
    group: Arc<Group>,
    epoch: i32,
    interval: Duration,
    /// The coordinator's address, as long as it is known.
    coordinator: Option<String>,
    failures: u32,
    unassigned: u32,
}

/// Keeps the member in its group until it is told to leave.
pub(super) async fn run(group: Arc<Group>, mut leave: oneshot::Receiver<()>) {
    let mut membership = Membership {
        group,
        epoch: JOINS,
        interval: Duration::from_secs(5),
        coordinator: None,
        failures: 0,
        unassigned: 0,
    };
    loop {
        let wait = membership.beat().await;
        if timeout(wait, &mut leave).await.is_ok() {
            break;
        }
    }
    if membership.epoch != JOINS
        && let Err(error) = membership.heartbeat(LEAVES).await
    {
        tracing::debug!(%error, "the share group was not left");
    }
}

impl Membership {
    /// Tells the coordinator that the member is there. Returns when to do so again.
    async fn beat(&mut self) -> Duration {
        self.group.state().book.forget_ended(Instant::now());
        match self.heartbeat(self.epoch).await {
            Ok(()) => {
                self.failures = 0;
                self.group.recovered(Reporter::Membership);
                let is_assigned = !self.group.state().assigned.is_empty();
                self.unassigned = if is_assigned { 0 } else { self.unassigned + 1 };
                if is_assigned || self.unassigned > SOON_TIMES {
                    self.interval
                } else {
                    SOON.min(self.interval)
                }
            }
            Err(error) => {
                tracing::debug!(%error, "a heartbeat to the share group failed");
                self.fail(&error)
            }
        }
    }

    fn fail(&mut self, error: &KrafkaError) -> Duration {
        let code = match error {
            KrafkaError::Broker { code, .. } => *code,
            _ => ErrorCode::None,
        };
        match code {
            // What is locked stays so: sessions know nothing of memberships.
            ErrorCode::FencedMemberEpoch | ErrorCode::UnknownMemberId => self.epoch = JOINS,
            _ => {
                self.coordinator = None;
                let cluster = &self.group.cluster;
                // A coordinator that begins is no problem yet.
                let begins = matches!(
                    code,
                    ErrorCode::CoordinatorLoadInProgress
                        | ErrorCode::CoordinatorNotAvailable
                        | ErrorCode::NotCoordinator
                );
                if !begins || self.failures > 10 {
                    self.group
                        .report(Reporter::Membership, cluster.source_error(error));
                }
            }
        }
        let wait = BACKOFF * 2_u32.saturating_pow(self.failures.min(8));
        self.failures += 1;
        wait.min(BACKOFF_MOST)
    }

    async fn heartbeat(&mut self, epoch: i32) -> Result<(), KrafkaError> {
        let group = Arc::clone(&self.group);
        let cluster = &group.cluster;
        let coordinator = match &self.coordinator {
            Some(known) => known.clone(),
            None => self.find().await?,
        };
        let connection = cluster
            .pool()
            .get_coordinator_connection(&coordinator)
            .await?;
        let version = versions::SHARE_GROUP_HEARTBEAT_MAX;
        offers(&connection, ApiKey::ShareGroupHeartbeat, version)?;
        let request = ShareGroupHeartbeatRequest {
            group_id: cluster.group.clone(),
            member_id: group.member.clone(),
            member_epoch: epoch,
            rack_id: None,
            subscribed_topic_names: (epoch == JOINS).then(|| vec![cluster.topic.clone()]),
        };
        let answer = connection.send_request(ApiKey::ShareGroupHeartbeat, version, |out| {
            request.encode_versioned(version, out)
        });
        let answer = ShareGroupHeartbeatResponse::decode_versioned(version, &mut answer.await?)?;
        if !answer.error_code.is_ok() {
            let message = answer
                .error_message
                .unwrap_or_else(|| "no reason given".to_owned());
            return Err(KrafkaError::broker(answer.error_code, message));
        }
        self.coordinator = Some(coordinator);
        self.epoch = answer.member_epoch;
        let interval = u64::try_from(answer.heartbeat_interval_ms).unwrap_or_default();
        self.interval = Duration::from_millis(interval).clamp(SHORTEST, LONGEST);
        if let Some(assignment) = answer.assignment {
            let places = assignment.into_iter().flat_map(|topic| {
                let id = topic.topic_id;
                topic
                    .partitions
                    .into_iter()
                    .map(move |partition| (id, partition))
            });
            group.state().assigned = places.collect();
            group.moved.notify_one();
        }
        Ok(())
    }

    /// Finds the group's coordinator.
    async fn find(&self) -> Result<String, KrafkaError> {
        let cluster = &self.group.cluster;
        let request = FindCoordinatorRequest::for_group(&cluster.group);
        let mut last = KrafkaError::timeout("looking for a broker");
        let mut brokers = cluster.metadata().brokers();
        // Not always the same one is asked first.
        let turn = usize::try_from(self.failures).unwrap_or_default() % brokers.len().max(1);
        brokers.rotate_left(turn);
        for broker in brokers {
            let connection = cluster
                .pool()
                .get_connection_by_id(broker.id(), broker.address());
            let connection = match connection.await {
                Ok(connection) => connection,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            let answer = connection.send_request(ApiKey::FindCoordinator, FIND_VERSION, |out| {
                request.encode_versioned(FIND_VERSION, out)
            });
            let mut answer = match answer.await {
                Ok(answer) => answer,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            let answer = FindCoordinatorResponse::decode_versioned(FIND_VERSION, &mut answer)?;
            if !answer.error_code.is_ok() {
                let message = answer
                    .error_message
                    .unwrap_or_else(|| "no reason given".to_owned());
                return Err(KrafkaError::broker(answer.error_code, message));
            }
            return Ok(address(&answer.host, answer.port));
        }
        Err(last)
    }
}

/// Returns where a broker listens, as the pool of connections names it.
fn address(host: &str, port: i32) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}
