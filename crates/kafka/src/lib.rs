//! Kafka topics as event sources, of Amazon MSK and of self-managed clusters, and as on-failure destinations.

mod auth;

pub use auth::{
    AuthError, AuthErrorKind, Authenticator, ClientSettings, ClusterAddress, ClusterAddressError,
    ConnectionProblem, Token, TokenSource, give_token,
};
