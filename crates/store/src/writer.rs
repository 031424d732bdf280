//! The one writer. Whatever waits for it goes into one transaction.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
};

use lambda_esm_engine::store::StoreError;
use tokio::sync::{mpsc, oneshot};

use crate::{
    database::SharedDatabase,
    failure,
    schema::{self, Change, Tables},
};

/// Changes that may wait; more senders than this wait for a place. Also the most that one
/// transaction takes, so that none grows without bound.
pub(crate) const QUEUE: usize = 1024;

/// A change, and where to tell that it is durable.
pub(crate) struct Request {
    pub(crate) change: Change,
    pub(crate) answer: oneshot::Sender<Result<(), StoreError>>,
}

/// Starts the writer; it ends when the queue is closed and empty.
pub(crate) fn start(
    shared: Arc<SharedDatabase>,
    queue: mpsc::Receiver<Request>,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new()
        .name("lambda-esm-store".to_owned())
        .spawn(move || run(&shared, queue))
}

fn run(shared: &SharedDatabase, mut queue: mpsc::Receiver<Request>) {
    let mut group = Vec::with_capacity(QUEUE);
    let mut closed = false;
    while queue.blocking_recv_many(&mut group, QUEUE) > 0 {
        if closed {
            match reopen(shared) {
                Ok(()) => closed = false,
                Err(error) => {
                    refuse(&mut group, &error);
                    continue;
                }
            }
        }
        let written = catch_unwind(AssertUnwindSafe(|| write(shared, &group)))
            .unwrap_or_else(|_| Err(failure::stopped(shared.path())));
        match written {
            Ok(answers) => {
                for (request, answer) in group.drain(..).zip(answers) {
                    reply(request, answer);
                }
            }
            Err(error) => {
                tracing::error!(%error, "state not written");
                refuse(&mut group, &error);
                closed = reopen(shared).is_err();
            }
        }
    }
}

fn reopen(shared: &SharedDatabase) -> Result<(), StoreError> {
    let reopened = shared.reopen();
    match &reopened {
        Ok(()) => tracing::info!(path = %shared.path().display(), "state file opened again"),
        Err(error) => tracing::error!(%error, "state file not opened again"),
    }
    reopened
}

fn refuse(group: &mut Vec<Request>, error: &StoreError) {
    for request in group.drain(..) {
        reply(request, Err(error.clone()));
    }
}

/// Answers; who no longer waits does not care.
fn reply(request: Request, answer: Result<(), StoreError>) {
    drop(request.answer.send(answer));
}

fn write(
    shared: &SharedDatabase,
    group: &[Request],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let path = shared.path();
    shared.with(|database| {
        let failed = |error: redb::Error| failure::running(path, error);
        let transaction = schema::begin(database).map_err(failed)?;
        let mut tables = Tables::open(&transaction, path).map_err(failed)?;
        let answers = group
            .iter()
            .map(|request| tables.apply(&request.change))
            .collect::<Result<Vec<_>, _>>()?;
        drop(tables);
        transaction.commit().map_err(|error| failed(error.into()))?;
        shared.count_transaction();
        Ok(answers)
    })
}
