//! The errors of the Lambda API.

use thiserror::Error;

/// The error codes of the event source mapping operations (Lambda API reference).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// A parameter, or a combination of them, that the service refuses: 400.
    InvalidParameterValue,
    /// A member that breaks its own constraint: 400.
    Validation,
    /// Such a mapping exists already: 409.
    ResourceConflict,
    /// No such mapping: 404.
    ResourceNotFound,
    /// Another change is under way: 400.
    ResourceInUse,
    /// Called too often: 429.
    TooManyRequests,
    /// A fault of the service: 500.
    Service,
}

impl ErrorCode {
    /// Returns the name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidParameterValue => "InvalidParameterValueException",
            Self::Validation => "ValidationException",
            Self::ResourceConflict => "ResourceConflictException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::ResourceInUse => "ResourceInUseException",
            Self::TooManyRequests => "TooManyRequestsException",
            Self::Service => "ServiceException",
        }
    }

    /// Returns the HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidParameterValue | Self::Validation | Self::ResourceInUse => 400,
            Self::ResourceNotFound => 404,
            Self::ResourceConflict => 409,
            Self::TooManyRequests => 429,
            Self::Service => 500,
        }
    }
}

/// A refused request. Displays as its wire message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ApiError {
    /// What kind of error.
    pub code: ErrorCode,
    /// The message on the wire: AWS's own text where it is known.
    pub message: String,
    /// The parameter at fault as the wire spells it.
    pub field: Option<&'static str>,
    /// A way out for people; not part of the wire message.
    pub hint: Option<String>,
}

impl ApiError {
    /// Makes an error without field or hint.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            hint: None,
        }
    }

    /// Makes an `InvalidParameterValueException` about a parameter.
    #[must_use]
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: Some(field),
            ..Self::new(ErrorCode::InvalidParameterValue, message)
        }
    }

    /// Makes the error for a parameter that the source does not have. The text is recorded for
    /// `DestinationConfig` and applied to all.
    #[must_use]
    pub fn unsupported(field: &'static str) -> Self {
        let message = format!("Unsupported {field} parameter for given event source mapping type.");
        Self::invalid(field, message)
    }

    /// Makes the error for a parameter that the source cannot do without (recorded for
    /// `SourceAccessConfigurations`).
    #[must_use]
    pub fn missing(field: &'static str, member: &str) -> Self {
        Self::invalid(field, format!("Required '{member}' parameter is missing."))
    }

    /// Adds a way out.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Returns the HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.code.status()
    }
}
