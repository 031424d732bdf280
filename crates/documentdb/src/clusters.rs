//! Finds the change streams of mappings.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::{DocumentDbMapping, Mapping, Source};
use lambda_esm_engine::ports::{SourceProvider, StreamSource};
use lambda_esm_engine::secrets::SecretResolver;

use crate::address::ClusterAddress;
use crate::options::DocumentDbOptions;
use crate::problem::misconfigured;
use crate::source::ChangeStream;

/// The clusters whose change streams mappings read, by the ARN that a mapping names.
pub struct DocumentDbClusters {
    clusters: BTreeMap<String, ClusterAddress>,
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
        clusters: BTreeMap<String, ClusterAddress>,
        secrets: Arc<dyn SecretResolver>,
        options: DocumentDbOptions,
    ) -> Self {
        Self {
            clusters,
            secrets,
            options,
            streams: Mutex::default(),
        }
    }

    fn find(
        &self,
        mapping: &DocumentDbMapping,
        function: String,
    ) -> Result<Arc<ChangeStream>, SourceError> {
        let arn = mapping.cluster_arn.as_str();
        let address = self.clusters.get(arn).ok_or_else(|| {
            misconfigured(format!(
                "no address is known of {arn}; name it in endpoints.arns, such as mongodb://127.0.0.1:27017"
            ))
        })?;
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|known| known.stream.strong_count() > 0);
        let known = streams
            .iter()
            .find(|known| known.function == function && reads_the_same(&known.mapping, mapping));
        if let Some(stream) = known.and_then(|known| known.stream.upgrade()) {
            return Ok(stream);
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
        Ok(stream)
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
        let stream = self.find(documentdb, mapping.function.to_string())?;
        Ok(Some(stream))
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
