//! A cluster, by the client that finds its way there.

use std::sync::Arc;
use std::time::Duration;

use krafka::__private::metadata::ClusterMetadata;
use krafka::__private::network::{BrokerConnection, ConnectionConfig, ConnectionPool};
use krafka::__private::protocol::{ApiKey, versions};
use krafka::__private::{kafka_metadata, kafka_pool};
use krafka::admin::{ConfigResource, DescribeConfigsOptions, DescribeShareGroupOffsetsOptions};
use krafka::auth::AuthConfig;
use krafka::error::ErrorCode;
use krafka::{BrokerInfo, Kafka, KrafkaError, ProtocolErrorKind};
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use tokio::time::timeout;

use super::error::source_error;
use super::security::security;
use crate::auth::ClientSettings;
use crate::problem::Place;

/// How long a connection may take, with TLS and SASL.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a request may take, what it waits for at the broker included.
const REQUEST: Duration = Duration::from_secs(10);
/// The most that one answer may be, in bytes.
const ANSWER: usize = 128 * 1024 * 1024;
/// How long a topic is looked for.
const TOPIC: Duration = Duration::from_secs(5);
const NAME: &str = "lambda-esm";
/// The version of `ShareFetch` and `ShareAcknowledge` that takes as many records as are asked for and renews locks
/// (KIP-1206, KIP-1222; Kafka 4.2).
pub(super) const SHARE_VERSION: i16 = 2;

const LOCK: &str = "share.record.lock.duration.ms";
const LIMIT: &str = "share.delivery.count.limit";
const RENEW: &str = "share.renew.acknowledge.enable";

/// What a share group is set to. Where the brokers do not let the mapping see it, the defaults of brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupSettings {
    pub(super) lock: Duration,
    pub(super) delivery_limit: u32,
    pub(super) can_renew: bool,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            lock: Duration::from_secs(30),
            delivery_limit: 5,
            can_renew: true,
        }
    }
}

/// A cluster and the share group that a topic of it is read by.
pub(super) struct Cluster {
    kafka: Kafka,
    connections: ConnectionConfig,
    pub(super) place: Place,
    pub(super) topic: String,
    pub(super) group: String,
}

impl Cluster {
    /// Connects, and finds the topic.
    pub(super) async fn connect(
        settings: &ClientSettings,
        topic: &str,
        group: &str,
    ) -> Result<Self, SourceError> {
        let place = Place {
            topic: topic.to_owned(),
            group: Some(group.to_owned()),
            servers: settings.bootstrap_servers().to_owned(),
        };
        let connected = Self::try_connect(security(settings)?, place.clone(), group).await;
        connected.map_err(|error| source_error(&error, &place))
    }

    async fn try_connect(auth: AuthConfig, place: Place, group: &str) -> Result<Self, KrafkaError> {
        let kafka = Kafka::builder(&place.servers)
            .client_id(NAME)
            .security(auth.clone())
            .connect_timeout(CONNECT)
            .request_timeout(REQUEST)
            .max_response_size(ANSWER)
            .metadata_topic_cache_ttl(None)
            .connect()
            .await?;
        // Sessions live as long as their connections, and so have those to themselves.
        let mut connections = ConnectionConfig::builder()
            .client_id(NAME)
            .auth(auth)
            .connect_timeout(CONNECT)
            .request_timeout(REQUEST)
            .max_response_size(ANSWER)
            .build()?;
        connections.init_tls().await?;
        let cluster = Self {
            kafka,
            connections,
            topic: place.topic.clone(),
            group: group.to_owned(),
            place,
        };
        cluster.check().await?;
        Ok(cluster)
    }

    /// Checks that there are share groups, and the topic.
    async fn check(&self) -> Result<(), KrafkaError> {
        let mut last = KrafkaError::timeout("looking for a broker");
        let mut is_checked = false;
        for broker in self.metadata().brokers() {
            let found = self
                .pool()
                .get_connection_by_id(broker.id(), broker.address());
            match found.await {
                Ok(connection) => {
                    offers(
                        &connection,
                        ApiKey::ShareGroupHeartbeat,
                        versions::SHARE_GROUP_HEARTBEAT_MIN,
                    )?;
                    offers(&connection, ApiKey::ShareFetch, SHARE_VERSION)?;
                    offers(&connection, ApiKey::ShareAcknowledge, SHARE_VERSION)?;
                    is_checked = true;
                    break;
                }
                Err(error) => last = error,
            }
        }
        if !is_checked {
            return Err(last);
        }
        self.metadata()
            .ensure_partition_count(&self.topic, TOPIC)
            .await?;
        Ok(())
    }

    pub(super) fn metadata(&self) -> &Arc<ClusterMetadata> {
        kafka_metadata(&self.kafka)
    }

    pub(super) fn pool(&self) -> &Arc<ConnectionPool> {
        kafka_pool(&self.kafka)
    }

    /// Looks up who leads the partitions now.
    pub(super) async fn refresh(&self) -> Result<(), KrafkaError> {
        self.metadata().force_refresh(Some(&[&self.topic])).await
    }

    /// Opens a connection of its own to a broker.
    pub(super) async fn open(&self, broker: i32) -> Result<BrokerConnection, KrafkaError> {
        let broker = self.metadata().broker(broker);
        let broker = broker.ok_or_else(|| KrafkaError::timeout("looking for a broker"))?;
        let opened = BrokerConnection::connect(broker.address(), self.connections.clone());
        let opened = timeout(REQUEST, opened).await;
        opened.map_err(|_| KrafkaError::timeout(format!("connecting to {}", broker.address())))?
    }

    /// Takes note of who leads a partition, as a broker says that does not.
    pub(super) fn led_by(&self, partition: i32, leader: (i32, i32), broker: Option<BrokerInfo>) {
        let (leader, epoch) = leader;
        self.metadata()
            .apply_leader_hint(&self.topic, partition, leader, epoch, broker);
    }

    /// Returns what the group is set to.
    pub(super) async fn group_settings(&self) -> Result<GroupSettings, SourceError> {
        let resource = ConfigResource::group(&self.group);
        let names = [LOCK, LIMIT, RENEW].map(str::to_owned).to_vec();
        let options = DescribeConfigsOptions::default()
            .config_names(names)
            .timeout(REQUEST);
        let answer = self
            .kafka
            .admin()
            .describe_configs([resource], options)
            .await;
        let entries = answer.and_then(|mut answer| match answer.drain().next() {
            Some((_, entries)) => entries,
            None => Ok(Vec::new()),
        });
        let mut settings = GroupSettings::default();
        let entries = match entries {
            Ok(entries) => entries,
            // Reading needs less than to be told this (DescribeConfigs of the group).
            Err(KrafkaError::Broker {
                code:
                    ErrorCode::GroupAuthorizationFailed
                    | ErrorCode::ClusterAuthorizationFailed
                    | ErrorCode::InvalidRequest,
                message,
            }) => {
                tracing::warn!(
                    group = self.group,
                    message,
                    "the share group's settings are not told: its delivery limit is taken to be 5, its lock 30 s"
                );
                return Ok(settings);
            }
            Err(error) => return Err(source_error(&error, &self.place)),
        };
        for entry in entries {
            let value = entry.value.unwrap_or_default();
            let is_read = match entry.name.as_str() {
                LOCK => value
                    .parse()
                    .map(|lock| settings.lock = Duration::from_millis(lock))
                    .is_ok(),
                LIMIT => value
                    .parse()
                    .map(|limit| settings.delivery_limit = limit)
                    .is_ok(),
                RENEW => value
                    .parse()
                    .map(|renew| settings.can_renew = renew)
                    .is_ok(),
                _ => true,
            };
            if !is_read {
                let message = format!("{} of group {} is {value}", entry.name, self.group);
                return Err(SourceError::new(SourceErrorKind::Transient, message));
            }
        }
        Ok(settings)
    }

    /// Returns how many records of each partition the group has not done with, as far as brokers tell (Kafka 4.3).
    pub(super) async fn lags(&self) -> Result<Vec<u64>, SourceError> {
        let options = DescribeShareGroupOffsetsOptions::default().timeout(REQUEST);
        let admin = self.kafka.admin();
        let answer = admin
            .describe_share_group_offsets(&self.group, options)
            .await;
        let answer = answer.map_err(|error| self.source_error(&error))?;
        let mut lags = Vec::with_capacity(answer.len());
        for (partition, offset) in answer {
            if partition.topic == self.topic {
                let offset = offset.map_err(|error| self.source_error(&error))?;
                lags.extend(offset.lag.and_then(|lag| u64::try_from(lag).ok()));
            }
        }
        Ok(lags)
    }

    pub(super) fn source_error(&self, error: &KrafkaError) -> SourceError {
        source_error(error, &self.place)
    }
}

/// Fails if a broker does not take a version of a request.
pub(super) fn offers(
    connection: &BrokerConnection,
    key: ApiKey,
    version: i16,
) -> Result<(), KrafkaError> {
    match connection.negotiate_api_version(key, version, version) {
        Some(_) => Ok(()),
        None => Err(KrafkaError::protocol_kind(
            ProtocolErrorKind::UnknownApiVersion,
            format!("{key:?} {version}"),
        )),
    }
}
