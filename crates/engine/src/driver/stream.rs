//! How a stream machine's actions are carried out.

use std::future::Future;
use std::sync::Arc;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::DeliveryError;
use lambda_esm_core::stream::{Action, CallId, Input, ShardCheckpoint, ShardId, StreamMachine};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::calls::Calls;
use super::event_loop::Ports;
use crate::ports::{FailureDestination, FailureRecord, StreamSource};
use crate::store::Store;
use crate::stored::write_checkpoint;

/// After so many checkpoints others have their turn.
const AT_A_TIME: usize = 100;

/// Where records come from, and where those go that are given up; `None` if the mapping has no on-failure
/// destination.
pub(crate) type StreamEnds = (Arc<dyn StreamSource>, Option<Arc<dyn FailureDestination>>);

/// The ends of a stream, and where checkpoints are kept.
pub(crate) struct StreamPorts {
    mapping: Uuid,
    source: Arc<dyn StreamSource>,
    destination: Option<Arc<dyn FailureDestination>>,
    store: Arc<dyn Store>,
    /// Open reads. A drain ends them: what they would bring is still in the stream.
    reads: JoinSet<Input>,
}

impl StreamPorts {
    pub(crate) fn new(
        mapping: Uuid,
        (source, destination): StreamEnds,
        store: Arc<dyn Store>,
    ) -> Self {
        Self {
            mapping,
            source,
            destination,
            store,
            reads: JoinSet::new(),
        }
    }

    fn deliver(
        &self,
        record: FailureRecord,
    ) -> impl Future<Output = Result<(), DeliveryError>> + use<> {
        let destination = self.destination.clone();
        async move {
            match destination {
                Some(destination) => destination.deliver(record).await,
                None => Err(DeliveryError::new("the mapping has no destination")),
            }
        }
    }

    fn commit(
        &self,
        id: CallId,
        identity: String,
        checkpoints: Vec<ShardCheckpoint>,
    ) -> impl Future<Output = Input> + use<> {
        let (mapping, store) = (self.mapping, self.store.clone());
        async move {
            let mut rows = Vec::with_capacity(checkpoints.len());
            for each in checkpoints {
                rows.push(write_checkpoint(
                    mapping,
                    each.shard.as_str().to_owned(),
                    each.checkpoint.to_text(),
                    identity.clone(),
                    each.epoch,
                ));
                if rows.len().is_multiple_of(AT_A_TIME) {
                    tokio::task::yield_now().await;
                }
            }
            let result = store.commit(rows).await;
            let result = result.map_err(|error| error.to_string());
            Input::Committed { id, result }
        }
    }

    fn forget(&self, id: CallId, shards: &[ShardId]) -> impl Future<Output = Input> + use<> {
        let (mapping, store) = (self.mapping, self.store.clone());
        let partitions: Vec<String> = shards.iter().map(ToString::to_string).collect();
        async move {
            let result = store.forget(mapping, partitions).await;
            let result = result.map_err(|error| error.to_string());
            if let Err(error) = &result {
                tracing::warn!(%mapping, error, "checkpoints of shards that are gone are left for now");
            }
            Input::Forgotten { id, result }
        }
    }
}

impl Ports for StreamPorts {
    type Machine = StreamMachine;
    type Ends = StreamEnds;

    fn move_to(&mut self, (source, destination): StreamEnds) {
        self.source = source;
        self.destination = destination;
    }

    fn carry_out(&mut self, now: Timestamp, action: Action, calls: &mut Calls<StreamMachine>) {
        let source = self.source.clone();
        match action {
            Action::List { id } => {
                self.reads.spawn(async move {
                    let result = source.list().await;
                    Input::Listed { id, result }
                });
            }
            Action::Open { id, shard, from } => {
                self.reads.spawn(async move {
                    let result = source.open(&shard, &from).await;
                    Input::Opened { id, result }
                });
            }
            Action::Fetch { id, request } => {
                self.reads.spawn(async move {
                    let result = source.fetch(request).await;
                    Input::Fetched { id, result }
                });
            }
            Action::Reserve { turn } => calls.reserve(turn),
            Action::Forgo { turn } => calls.forgo(turn),
            Action::Invoke {
                turn,
                batch,
                attempt,
                payload,
                unwritten,
            } => {
                let event = (payload, unwritten);
                calls.invoke(turn, (batch, attempt), event, move |result| {
                    Input::Invoked {
                        batch,
                        attempt,
                        result,
                    }
                });
            }
            Action::Deliver { id, record } => {
                let delivery = self.deliver(record);
                calls.begin(async move {
                    let result = delivery.await;
                    Input::Delivered { id, result }
                });
            }
            Action::Commit {
                id,
                identity,
                checkpoints,
            } => calls.begin(self.commit(id, identity, checkpoints)),
            Action::Forget { id, shards } => calls.begin(self.forget(id, &shards)),
            Action::Report(decision) => calls.report(now, decision),
        }
    }

    async fn next_read(&mut self) -> Option<Input> {
        loop {
            // No call panics; what is left is a read that was ended.
            if let Ok(input) = self.reads.join_next().await? {
                return Some(input);
            }
        }
    }

    fn end_reads(&mut self) {
        self.reads.abort_all();
    }
}
