//! Answers as they came over the wire.
//!
//! The SDK reads an answer as a whole or not at all: one value that it does not know makes a page of records
//! unreadable, for ever. So it sends, signs and reads refusals, and what it would read of an answer is read
//! here.

use std::borrow::Cow;
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

use crate::bound::TooLong;
use crate::failure::Call;
use crate::text::with_causes;

/// The seconds since the Unix epoch of the years 0 to 9999.
pub(crate) const CALENDAR: std::ops::Range<f64> = -62_167_219_200.0..253_402_300_800.0;

/// An answer that is no refusal.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// When it was given by the server's clock, to the second below; `None` if it does not say.
    pub(crate) time: Option<Timestamp>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// Takes the body of an answer that is no refusal out of the SDK's hands.
#[derive(Clone, Debug)]
pub(crate) struct Tap {
    tapped: Arc<Mutex<Option<Opened>>>,
    /// What it leaves to the SDK.
    left: &'static str,
}

/// An answer that is no refusal, before its body is read.
#[derive(Debug)]
pub(crate) struct Opened {
    /// When it was given by the server's clock, to the second below; `None` if it does not say.
    pub(crate) time: Option<Timestamp>,
    /// The body.
    pub(crate) body: SdkBody,
}

#[dyn_dispatch_hint]
impl Intercept for Tap {
    fn name(&self) -> &'static str {
        "Tap"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        if response.status().is_success() {
            let tapped = Opened {
                time: response.headers().get("date").and_then(time),
                body: std::mem::replace(response.body_mut(), SdkBody::from(self.left)),
            };
            *self.tapped.lock().unwrap_or_else(PoisonError::into_inner) = Some(tapped);
        }
        Ok(())
    }
}

impl Opened {
    async fn read(self) -> Result<Answer, BoxError> {
        let Self { time, mut body } = self;
        // Piece by piece, so that the whole is there once.
        let mut whole = Vec::new();
        while let Some(frame) = body.frame().await {
            if let Ok(piece) = frame?.into_data() {
                whole.extend_from_slice(&piece);
            }
        }
        Ok(Answer { time, body: whole })
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
        send: impl FnOnce(Tap) -> F,
    ) -> Result<Answer, SourceError>
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
        send: impl FnOnce(Tap) -> F,
    ) -> Result<Opened, SourceError>
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
        send: impl FnOnce(Tap) -> F,
    ) -> Result<Opened, SourceError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let tap = Tap {
            tapped: Arc::default(),
            left,
        };
        let sent = send(tap.clone()).await;
        sent.map_err(|error| self.failed(&error))?;
        let mut tapped = tap.tapped.lock().unwrap_or_else(PoisonError::into_inner);
        tapped.take().ok_or_else(|| self.incomplete("a body"))
    }

    /// Checks that a page with so many records, which was read at `place`, says that the next one is elsewhere.
    ///
    /// # Errors
    /// Fails if the same records would come again for ever.
    #[cfg(any(feature = "dynamodb", feature = "kinesis"))]
    pub(crate) fn check_progress(
        self,
        place: &str,
        next: Option<&str>,
        records: usize,
    ) -> Result<(), SourceError> {
        if records == 0 || next != Some(place) {
            return Ok(());
        }
        let cause = format!("its NextShardIterator is the one that led to its {records} records");
        Err(self.unreadable(Some(200), &[], &cause))
    }

    /// Returns the error for a body that could not be read to its end.
    pub(crate) fn not_read(self, error: &(dyn Error + 'static)) -> SourceError {
        if error.is::<TooLong>() {
            return self.unreadable(Some(200), &[], &error.to_string());
        }
        self.broken_off(&with_causes(error))
    }

    /// Reads the body of an answer. One without a body is an empty object.
    pub(crate) fn read<'a, T: Deserialize<'a>>(self, answer: &'a Answer) -> Result<T, SourceError> {
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

/// Returns JSON without what is no text in it: half a character, as is left where a client cuts one in two,
/// becomes the character that stands for what cannot be read. `json` is valid but for such halves.
pub(crate) fn without_halves(json: &str) -> Cow<'_, str> {
    if !json.contains("\\ud") && !json.contains("\\uD") {
        return Cow::Borrowed(json);
    }
    let mut whole = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at..];
        let (length, is_half) = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => (12, false),
            (Some(0xd800..0xe000), _) => (6, true),
            (Some(_), _) => (6, false),
            // The character after the backslash is one of ASCII.
            (None, _) => (2.min(escape.len()), false),
        };
        whole.push_str(&rest[..at]);
        whole.push_str(if is_half {
            "\\ufffd"
        } else {
            &escape[..length]
        });
        rest = &escape[length..];
    }
    whole.push_str(rest);
    Cow::Owned(whole)
}

/// Returns the UTF-16 unit that an escape at the beginning of `json` stands for.
fn unit(json: &str) -> Option<u32> {
    let digits = json.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_character_is_replaced_and_all_else_kept() {
        let table = [
            (r#""a\ud83db""#, r#""a\ufffdb""#),
            (r#""\uDE00\uD83D""#, r#""\ufffd\ufffd""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#"{"\ud83d":"\\\ud83d"}"#, r#"{"\ufffd":"\\\ufffd"}"#),
            (r#""\ud83dä\u00e4""#, r#""\ufffdä\u00e4""#),
        ];
        for (json, expected) in table {
            assert_eq!(without_halves(json), expected);
        }
        for whole in [r#""\ud83d\ude00 \\ud83d \n\u00e4 ä""#, "{}"] {
            assert_eq!(without_halves(whole), whole);
        }
    }
}
