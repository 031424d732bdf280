//! How long a request's head may take.
//!
//! A runtime may be quiet on a connection for as long as its function runs, and for as long as there is no event.
//! But once it begins a request, it goes on: what has begun and does not end is closed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use lambda_esm_engine::patience::overdue;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::watch;
use tokio::time::Instant;

/// From the first byte of a head to its last. Runtimes write a head at once.
const HEAD_LIMIT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Between two requests.
    Quiet,
    /// A head is being read since then.
    Head(Instant),
    /// A request is being answered.
    Request,
}

/// Where a connection is in its requests.
#[derive(Debug)]
pub(crate) struct HeadTimeout(watch::Sender<Stage>);

impl HeadTimeout {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Stage::Quiet))
    }

    /// The head of a request has been read.
    pub(crate) fn request_begins(&self) {
        self.0.send_replace(Stage::Request);
    }

    /// The request's answer is known.
    pub(crate) fn request_ends(&self) {
        self.0.send_replace(Stage::Quiet);
    }

    fn bytes_came(&self) {
        self.0.send_if_modified(|stage| {
            let begins = *stage == Stage::Quiet;
            if begins {
                *stage = Stage::Head(Instant::now());
            }
            begins
        });
    }

    /// Returns when a head has taken too long.
    pub(crate) async fn too_long(&self) {
        let mut stages = self.0.subscribe();
        loop {
            let stage = *stages.borrow_and_update();
            // The sender lives in `self`, so waiting cannot fail.
            let changed = stages.changed();
            match stage {
                Stage::Quiet | Stage::Request => drop(changed.await),
                Stage::Head(begun) => tokio::select! {
                    biased;
                    _ = changed => {}
                    () = overdue(begun + HEAD_LIMIT) => return,
                },
            }
        }
    }
}

/// A connection's incoming half, which tells when bytes come.
pub(crate) struct Watched<'s, R> {
    pub(crate) reader: R,
    pub(crate) head_timeout: &'s HeadTimeout,
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<'_, R> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.reader).poll_read(context, buffer);
        if buffer.filled().len() > before {
            this.head_timeout.bytes_came();
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_head_that_has_begun_may_not_last() {
        let head_timeout = HeadTimeout::new();
        let waits = |limit| tokio::time::timeout(limit, head_timeout.too_long());
        let hour = Duration::from_secs(3600);
        assert!(waits(hour).await.is_err());
        head_timeout.bytes_came();
        head_timeout.request_begins();
        head_timeout.bytes_came();
        assert!(waits(hour).await.is_err());
        head_timeout.request_ends();
        assert!(waits(hour).await.is_err());
        head_timeout.bytes_came();
        assert!(waits(HEAD_LIMIT / 2).await.is_err());
        // A byte now and then does not help.
        head_timeout.bytes_came();
        let begun = Instant::now();
        assert!(waits(hour).await.is_ok());
        assert_eq!(begun.elapsed(), HEAD_LIMIT / 2);
    }
}
