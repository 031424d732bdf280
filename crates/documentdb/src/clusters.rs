//! Finds the change streams of mappings.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::{Arn, DocumentDbMapping, Mapping, Source};
use lambda_esm_engine::ports::{SourceProvider, StreamSource};
use lambda_esm_engine::secrets::SecretResolver;

use crate::address::ClusterAddress;
use crate::options::DocumentDbOptions;
use crate::source::ChangeStream;

/// The clusters whose change streams mappings read, by the ARN that a mapping names.
pub struct DocumentDbClusters {
    clusters: BTreeMap<Arn, ClusterAddress>,
    secrets: Arc<dyn SecretResolver>,
    options: DocumentDbOptions,
    /// The streams in use: whoever asks for one gets the same, which holds its lock and its cursor.
    streams: Mutex<Vec<Known>>,
}

struct Known {
    mapping: DocumentDbMapping,
    function: String,
    stream: Weak<ChangeStream>,
}

impl DocumentDbClusters {
    /// Returns a provider of the change streams of these clusters.
    #[must_use]
    pub fn new(
        clusters: impl IntoIterator<Item = (Arn, ClusterAddress)>,
        secrets: Arc<dyn SecretResolver>,
    ) -> Self {
        Self {
            clusters: clusters.into_iter().collect(),
            secrets,
            options: DocumentDbOptions::default(),
            streams: Mutex::default(),
        }
    }

    /// Sets what holds for all streams.
    #[must_use]
    pub fn with_options(self, options: DocumentDbOptions) -> Self {
        Self { options, ..self }
    }

    /// Returns the stream of a mapping, if its cluster is known.
    fn find(&self, mapping: &DocumentDbMapping, function: String) -> Option<Arc<ChangeStream>> {
        let address = self.clusters.get(&mapping.cluster_arn)?;
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|known| known.stream.strong_count() > 0);
        let known = streams
            .iter()
            .find(|known| known.function == function && reads_the_same(&known.mapping, mapping));
        if let Some(stream) = known.and_then(|known| known.stream.upgrade()) {
            return Some(stream);
        }
        let stream = Arc::new(ChangeStream::new(
            address.clone(),
            mapping.clone(),
            &function,
            Arc::clone(&self.secrets),
            self.options.clone(),
        ));
        streams.push(Known {
            mapping: mapping.clone(),
            function,
            stream: Arc::downgrade(&stream),
        });
        Some(stream)
    }
}

/// Tells whether two mappings read the same stream in the same way, whatever their batches are.
fn reads_the_same(one: &DocumentDbMapping, other: &DocumentDbMapping) -> bool {
    one.cluster_arn == other.cluster_arn
        && one.database == other.database
        && one.collection == other.collection
        && one.full_document == other.full_document
        && one.credentials == other.credentials
}

#[async_trait]
impl SourceProvider for DocumentDbClusters {
    async fn stream(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn StreamSource>>, SourceError> {
        let Source::DocumentDb(documentdb) = &mapping.source else {
            return Ok(None);
        };
        let stream = self.find(documentdb, mapping.function.to_string());
        Ok(stream.map(|stream| stream as Arc<dyn StreamSource>))
    }
}

impl fmt::Debug for DocumentDbClusters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DocumentDbClusters")
            .field("clusters", &self.clusters)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
