//! Kafka topics as event sources, of Amazon MSK and of self-managed clusters, by consumer groups and by share groups, and
//! as on-failure destinations.

mod auth;
mod client;
mod connect;
mod consumer;
mod destination;
mod options;
mod problem;
mod share;
mod source;
mod token_keeper;

pub use auth::{
    AuthError, AuthErrorKind, Authenticator, ClientSettings, ClusterAddress, ClusterAddressError,
    ConnectionProblem, RegistryAccess, Token, TokenSource, give_token,
};
pub use connect::{Connect, MappingConnection};
pub use destination::TopicDestination;
pub use options::{GroupProtocol, Isolation, KafkaOptions};
pub use share::KafkaShareGroup;
pub use source::KafkaTopic;
