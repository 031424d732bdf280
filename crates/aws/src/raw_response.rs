//! Responses as they came, before the SDK reads them.
//!
//! The SDK reads an answer as a whole or not at all: one value that it does not know makes a page of records
//! unreadable, for ever. So it sends, signs and reads refusals, and what it would read of an answer is read
//! here.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::{DateTime, Format};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use http_body_util::BodyExt as _;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::time::Timestamp;
use lambda_esm_engine::patience::within;
use serde::Deserialize;

use crate::failure::Call;
use crate::response_limit::TooLong;
use crate::text::with_causes;

/// An answer that is no refusal.
#[derive(Debug, Default)]
pub(crate) struct RawResponse {
    /// When it was given by the server's clock, to the second below; `None` if it does not say.
    pub(crate) time: Option<Timestamp>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// Takes the body of an answer that is no refusal out of the SDK's hands.
#[derive(Clone, Debug)]
pub(crate) struct BodyTap {
    tapped: Arc<Mutex<Option<OpenResponse>>>,
    /// What it leaves to the SDK.
    left: &'static str,
}

/// An answer that is no refusal, before its body is read.
#[derive(Debug)]
pub(crate) struct OpenResponse {
    /// When it was given by the server's clock, to the second below; `None` if it does not say.
    pub(crate) time: Option<Timestamp>,
    /// The body.
    pub(crate) body: SdkBody,
}

#[dyn_dispatch_hint]
impl Intercept for BodyTap {
    fn name(&self) -> &'static str {
        "BodyTap"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        if response.status().is_success() {
            let tapped = OpenResponse {
                time: response.headers().get("date").and_then(time),
                body: std::mem::replace(response.body_mut(), SdkBody::from(self.left)),
            };
            *self.tapped.lock().unwrap_or_else(PoisonError::into_inner) = Some(tapped);
        }
        Ok(())
    }
}

impl OpenResponse {
    async fn read(self) -> Result<RawResponse, BoxError> {
        let Self { time, mut body } = self;
        // Piece by piece, so that the whole is there once.
        let mut whole = Vec::new();
        while let Some(frame) = body.frame().await {
            if let Ok(piece) = frame?.into_data() {
                whole.extend_from_slice(&piece);
            }
        }
        Ok(RawResponse { time, body: whole })
    }
}

/// Returns the time of a `Date` header.
fn time(date: &str) -> Option<Timestamp> {
    let time = DateTime::from_str(date, Format::HttpDate).ok()?;
    time.to_millis().ok().map(Timestamp)
}

impl Call<'_> {
    /// Waits for an answer as it comes, at most for `limit`. `send` sends the request with what it is given as
    /// an interceptor.
    pub(crate) async fn tapped<T, E, F>(
        self,
        limit: Duration,
        send: impl FnOnce(BodyTap) -> F,
    ) -> Result<RawResponse, SourceError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let answer = async {
            let opened = self.sent("{}", send).await?;
            let answer = opened.read().await;
            answer.map_err(|error| self.not_read(error.as_ref()))
        };
        within(limit, answer)
            .await
            .unwrap_or_else(|| Err(self.unanswered(limit)))
    }

    /// The same for an answer that goes on and on: waits for its beginning.
    #[cfg(feature = "kinesis")]
    pub(crate) async fn opened<T, E, F>(
        self,
        limit: Duration,
        send: impl FnOnce(BodyTap) -> F,
    ) -> Result<OpenResponse, SourceError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        within(limit, self.sent("", send))
            .await
            .unwrap_or_else(|| Err(self.unanswered(limit)))
    }

    async fn sent<T, E, F>(
        self,
        left: &'static str,
        send: impl FnOnce(BodyTap) -> F,
    ) -> Result<OpenResponse, SourceError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let tap = BodyTap {
            tapped: Arc::default(),
            left,
        };
        let sent = send(tap.clone()).await;
        sent.map_err(|error| self.failed(&error))?;
        let mut tapped = tap.tapped.lock().unwrap_or_else(PoisonError::into_inner);
        tapped.take().ok_or_else(|| self.incomplete("a body"))
    }

    /// Returns the error for a body that could not be read to its end.
    pub(crate) fn not_read(self, error: &(dyn Error + 'static)) -> SourceError {
        if error.is::<TooLong>() {
            return self.unreadable(Some(200), &[], &error.to_string());
        }
        self.broken_off(&with_causes(error))
    }

    /// Reads the body of an answer. One without a body is an empty object.
    pub(crate) fn read<'a, T: Deserialize<'a>>(
        self,
        answer: &'a RawResponse,
    ) -> Result<T, SourceError> {
        match answer.body.as_slice() {
            b"" => self.parse(b"{}"),
            body => self.parse(body),
        }
    }

    /// Reads JSON that came.
    pub(crate) fn parse<'a, T: Deserialize<'a>>(self, json: &'a [u8]) -> Result<T, SourceError> {
        serde_json::from_slice(json)
            .map_err(|error| self.unreadable(Some(200), json, &error.to_string()))
    }
}
