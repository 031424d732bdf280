//! Refusals, as the wire has them.

use std::borrow::Cow;
use std::fmt::Display;

use axum::body::Body;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method, Response, StatusCode};
use lambda_esm_core::excerpt::{LONGEST_MESSAGE, bounded, cut};
use lambda_esm_core::mapping::{ApiError, ErrorCode};
use serde::Serialize;

/// Names the error; what SDKs go by.
pub(crate) const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
/// A way out for people, which AWS's own texts do not give.
const HINT: HeaderName = HeaderName::from_static("x-lambda-esm-hint");
/// How many bytes a hint has at most: longer than any that names what there is to choose from.
const LONGEST_HINT: usize = 2 * 1024;
/// JSON's media type.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What an operation ends with.
pub(crate) type Answer = Result<Response<Bytes>, Fault>;

/// Which members an error's body has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// `{"message": …}`: errors of the request framework, which the API's model does not know.
    Framework,
    /// `{"Type": "User", "message": …}`.
    User,
    /// `{"Type": "User", "Message": …}`.
    UserCapital,
    /// `{"Type": "Service", "Message": …}`.
    Service,
}

/// A refused request. Its message is at most [`LONGEST_MESSAGE`] long, however long the request is.
#[derive(Debug)]
pub(crate) struct Fault {
    status: StatusCode,
    name: &'static str,
    shape: Shape,
    message: Cow<'static, str>,
    hint: Option<String>,
}

impl Fault {
    /// An error of the request framework.
    pub(crate) fn framework(
        status: StatusCode,
        name: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            name,
            shape: Shape::Framework,
            message: message.into(),
            hint: None,
        }
    }

    /// A path and method that stand for nothing, with the name AWS's services give that.
    pub(crate) fn unknown_operation(method: &Method, path: &str) -> Self {
        let message = format!("There is no operation {} {}.", cut(method), cut(path));
        Self::framework(StatusCode::NOT_FOUND, "UnknownOperationException", message)
    }

    /// Adds a sentence to the message.
    pub(crate) fn explained(mut self, sentence: &str) -> Self {
        self.message = Cow::Owned(format!("{} {sentence}", self.message));
        self
    }

    /// A body of more than `most` bytes.
    pub(crate) fn too_large(most: usize) -> Self {
        Self::framework(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestTooLargeException",
            format!("Request must be smaller than {most} bytes"),
        )
    }

    /// A body or a query that does not have the form the operation needs.
    pub(crate) fn serialization(message: impl Into<Cow<'static, str>>) -> Self {
        Self::framework(StatusCode::BAD_REQUEST, "SerializationException", message)
    }

    /// A member that must be there.
    pub(crate) fn missing(member: &str) -> Self {
        Self::constraint("null", member, "Member must not be null")
    }

    /// A member whose value breaks its own constraint.
    pub(crate) fn validation(value: &str, member: &str, rule: &str) -> Self {
        Self::constraint(format_args!("'{}'", cut(value)), member, rule)
    }

    fn constraint(shown: impl Display, member: &str, rule: &str) -> Self {
        let message = format!(
            "1 validation error detected: Value {shown} at '{member}' failed to satisfy constraint: {rule}"
        );
        Self::framework(StatusCode::BAD_REQUEST, "ValidationException", message)
    }

    /// An answer that did not come in time, or never will.
    pub(crate) fn service(status: StatusCode, message: &'static str) -> Self {
        Self {
            status,
            name: "ServiceException",
            shape: Shape::Service,
            message: Cow::Borrowed(message),
            hint: None,
        }
    }
}

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        let shape = match error.code {
            ErrorCode::Validation => Shape::Framework,
            ErrorCode::InvalidParameterValue
            | ErrorCode::ResourceConflict
            | ErrorCode::TooManyRequests => Shape::User,
            ErrorCode::ResourceNotFound | ErrorCode::ResourceInUse => Shape::UserCapital,
            _ => Shape::Service,
        };
        Self {
            status: StatusCode::from_u16(error.status())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            name: error.code.name(),
            shape,
            message: Cow::Owned(error.message),
            hint: error.hint,
        }
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(rename = "Message", skip_serializing_if = "Option::is_none")]
    capital: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

/// A way out that travels with an answer until somebody [shows](show_hint) it.
#[derive(Clone)]
struct Hint(HeaderValue);

impl Fault {
    /// Returns the answer. Its hint, which is meant for those who operate the server, is not seen by clients
    /// unless it is [shown](show_hint).
    pub(crate) fn response(self) -> Response<Bytes> {
        let message = match self.message {
            Cow::Owned(message) => Cow::Owned(bounded(message, LONGEST_MESSAGE)),
            short => short,
        };
        let text = Some(&*message);
        let (kind, capital, message) = match self.shape {
            Shape::Framework => (None, None, text),
            Shape::User => (Some("User"), None, text),
            Shape::UserCapital => (Some("User"), text, None),
            Shape::Service => (Some("Service"), text, None),
        };
        let wire = Wire {
            kind,
            capital,
            message,
        };
        // Three texts always make JSON.
        let body = serde_json::to_vec(&wire).unwrap_or_default();
        let mut response = written(self.status, body);
        let name = HeaderValue::from_static(self.name);
        response.headers_mut().insert(ERROR_TYPE, name);
        // Not every text can stand in a header.
        let hint = self.hint.map(|hint| bounded(hint, LONGEST_HINT));
        if let Some(hint) = hint.and_then(|hint| HeaderValue::try_from(hint).ok()) {
            response.extensions_mut().insert(Hint(hint));
        }
        response
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> axum::response::Response {
        self.response().map(Body::from)
    }
}

/// Puts an answer's hint, if it has one, where clients see it.
pub(crate) fn show_hint<B>(response: &mut Response<B>) {
    if let Some(Hint(hint)) = response.extensions_mut().remove() {
        response.headers_mut().insert(HINT, hint);
    }
}

/// Answers with a value as JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).map_err(|error| {
        tracing::error!(%error, "an answer could not be written as JSON");
        Fault::service(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The answer could not be written.",
        )
    })?;
    Ok(written(status, body))
}

/// Answers with nothing, where that is all there is to say.
pub(crate) fn no_content() -> Response<Bytes> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn written(status: StatusCode, json: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(json));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
