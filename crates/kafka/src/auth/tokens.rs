//! Tokens that are renewed before they expire.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lambda_esm_engine::Clock;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::error::AuthError;
use super::grant::Grant;
use super::token::{Token, TokenSource};

/// How long one who needs a token waits for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// A token is renewed when so much of its life is over, in tenths; librdkafka asks for the next one after eight.
const RENEWED_AFTER: u32 = 7;
/// How long to wait after a renewal that failed: at first, and at most.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A task that renews a token, as long as somebody has this.
pub(super) struct RenewedTokens {
    shared: Arc<Shared>,
    renewal: AbortHandle,
}

struct Shared {
    clock: Clock,
    held: Mutex<Held>,
    changed: Condvar,
    wanted: Notify,
    newest: watch::Sender<Token>,
}

struct Held {
    token: Token,
    /// Why the last renewal failed.
    error: Option<AuthError>,
    /// How many renewals have failed.
    failures: u64,
}

impl RenewedTokens {
    /// Returns the tokens of `grant`, the first of which was had before. Begins a task of the current runtime.
    pub(super) fn begin(first: Token, grant: Arc<dyn Grant>, clock: Clock) -> Self {
        let (newest, _) = watch::channel(first.clone());
        let shared = Arc::new(Shared {
            clock,
            newest,
            held: Mutex::new(Held {
                token: first,
                error: None,
                failures: 0,
            }),
            changed: Condvar::new(),
            wanted: Notify::new(),
        });
        let renewal = tokio::spawn(renew(Arc::clone(&shared), grant)).abort_handle();
        Self { shared, renewal }
    }
}

impl Drop for RenewedTokens {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

async fn renew(shared: Arc<Shared>, grant: Arc<dyn Grant>) {
    let mut failures = 0;
    loop {
        let wait = if failures == 0 {
            shared.left() / 10 * RENEWED_AFTER
        } else {
            // Twice as long each time.
            (FIRST_WAIT * 2_u32.pow((failures - 1).min(5))).min(LONGEST_WAIT)
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.wanted.notified() => {}
        }
        let renewed = grant.token().await;
        failures = if renewed.is_ok() { 0 } else { failures + 1 };
        shared.keep(renewed);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how long the token is still valid.
    fn left(&self) -> Duration {
        let expires = self.lock().token.expires;
        expires.since(self.clock.wall()).max(FIRST_WAIT)
    }

    fn is_valid(&self, token: &Token) -> bool {
        token.expires > self.clock.wall()
    }

    fn keep(&self, renewed: Result<Token, AuthError>) {
        let mut held = self.lock();
        match renewed {
            Ok(token) => {
                held.token = token.clone();
                self.newest.send_replace(token);
                held.error = None;
            }
            Err(error) => {
                held.error = Some(error);
                held.failures += 1;
            }
        }
        drop(held);
        self.changed.notify_all();
    }
}

impl TokenSource for RenewedTokens {
    fn token(&self) -> Result<Token, AuthError> {
        let shared = &*self.shared;
        let held = shared.lock();
        if shared.is_valid(&held.token) {
            return Ok(held.token.clone());
        }
        shared.wanted.notify_one();
        let failures = held.failures;
        let expired = |held: &mut Held| !shared.is_valid(&held.token) && held.failures == failures;
        let (held, _) = shared
            .changed
            .wait_timeout_while(held, PATIENCE, expired)
            .unwrap_or_else(PoisonError::into_inner);
        if shared.is_valid(&held.token) {
            return Ok(held.token.clone());
        }
        Err(held.error.clone().unwrap_or_else(|| {
            AuthError::unavailable("the token has expired, and the next one has not come yet")
        }))
    }

    fn watch(&self) -> watch::Receiver<Token> {
        self.shared.newest.subscribe()
    }

    fn renew(&self) {
        self.shared.wanted.notify_one();
    }
}
