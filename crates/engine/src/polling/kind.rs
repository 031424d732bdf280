//! What a kind of source has to say.

use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::{ApiError, Mapping};
use lambda_esm_core::stream::Surroundings;

use crate::driver::Function;
use crate::ports::FunctionFacts;
use crate::reporter::Reporter;
use crate::shared::Shared;

/// How mappings of a kind of source are checked, and begin.
#[async_trait]
pub(crate) trait SourceKind: Send + Sync {
    /// Checks a new or changed mapping against what only its source knows. What cannot be asked now is not held
    /// against it.
    async fn check(
        &self,
        shared: &Shared,
        mapping: &Mapping,
        function: &FunctionFacts,
    ) -> Result<(), ApiError>;

    /// Finds the source of a mapping, and asks it for what the rules need to know.
    async fn find(
        &self,
        shared: &Shared,
        mapping: &Mapping,
    ) -> Result<Box<dyn FoundSource>, SourceError>;
}

/// What a mapping's driver is configured with.
pub(crate) struct Settings<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) mapping: &'a Mapping,
    /// What is known of its function now.
    pub(crate) function: FunctionFacts,
}

impl Settings<'_> {
    /// Returns the function to call.
    pub(super) fn to_call(&self) -> Function {
        Function::new(self.mapping, &self.function, self.shared)
    }

    /// Returns what holds for all mappings.
    pub(super) fn surroundings(&self) -> Surroundings {
        let options = &self.shared.options;
        Surroundings {
            region: options.region.clone(),
            account_id: options.account_id.clone(),
            role_arn: options.role_arn.clone(),
            pacing: options.pacing,
            detail: options.detail,
            event_detail: options.event_detail,
        }
    }
}

/// A source that has answered.
pub(crate) trait FoundSource: Send {
    /// Begins to poll it. `seed` decides what is random.
    fn poll(
        self: Box<Self>,
        settings: &Settings<'_>,
        seed: u64,
        reporter: Reporter,
    ) -> Result<Box<dyn Polling>, SourceError>;
}

/// A driver at work.
#[async_trait]
pub(crate) trait Polling: Send + Sync {
    /// Asks the source again for what new settings depend on. What it said before holds if it cannot be asked now.
    async fn ask_again(&self);

    /// Looks the source up again, and asks what is found then. What was found before holds if that cannot be done now.
    /// Fails if there is no such source any more.
    async fn look_up_again(&self, shared: &Shared, mapping: &Mapping) -> Result<(), SourceError>;

    /// Tells the driver new settings, without losing what is in flight.
    async fn reconfigure(&self, settings: &Settings<'_>) -> Reconfigured;

    /// Waits until the driver has ended, though nobody told it to.
    async fn ended(&self);

    /// Lets the driver finish what is in flight. Returns whether it did so within `bound`.
    async fn drain(self: Box<Self>, bound: Duration) -> bool;
}

/// What came of new settings.
pub(crate) enum Reconfigured {
    Done,
    /// The driver has ended by itself.
    Ended,
    /// They ask for another driver.
    NeedsRestart,
}

impl Reconfigured {
    pub(super) const fn told(is_there: bool) -> Self {
        if is_there { Self::Done } else { Self::Ended }
    }
}
