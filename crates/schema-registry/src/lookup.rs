//! The port to a registry.

use async_trait::async_trait;
use thiserror::Error;

use crate::schema::{RegisteredSchema, SchemaId};

/// A registry.
#[async_trait]
pub trait SchemaLookup: Send + Sync {
    /// Returns a schema and all that it refers to. Asks once; who calls decides when to ask again. Takes seconds
    /// at most.
    ///
    /// # Errors
    /// [`LookupError::NotFound`] only if the registry itself says that it has no such schema.
    async fn schema(&self, id: SchemaId) -> Result<RegisteredSchema, LookupError>;
}

/// Why there is no schema.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The registry has no such schema, or lacks one that it refers to.
    #[error("{0}")]
    NotFound(String),
    /// The registry cannot be reached, refuses us, or answers what cannot be used.
    #[error("{0}")]
    Unavailable(String),
}
