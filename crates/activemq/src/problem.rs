//! What is wrong, in the words that a mapping shows.

use fe2o3_amqp::connection::OpenError;
use fe2o3_amqp::link::{LinkStateError, ReceiverAttachError, RecvError};
use fe2o3_amqp::types::definitions::{AmqpError, Error, ErrorCondition};
use fe2o3_amqp::types::sasl::SaslCode;
use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};

/// Where a session is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The endpoint that it is connected to.
    pub(crate) endpoint: String,
    /// The queue.
    pub(crate) queue: String,
}

/// Why there is no connection to an endpoint.
pub(crate) enum Refusal {
    /// It cannot be reached; another may.
    Unreachable(String),
    /// It has answered, and another would not answer otherwise.
    Final(SourceError),
}

fn denied(reason: ReasonCode, message: String) -> SourceError {
    SourceError::new(SourceErrorKind::Denied, message).with_reason(reason)
}

/// Returns why no TLS connection to `endpoint` could be made.
pub(crate) fn tls(error: &std::io::Error, endpoint: &str) -> Refusal {
    let cause = error
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<rustls::Error>());
    Refusal::Final(match cause {
        Some(rustls::Error::InvalidCertificate(problem)) => {
            untrusted(&problem.to_string(), endpoint)
        }
        Some(rustls::Error::AlertReceived(alert)) => denied(
            ReasonCode::Authentication,
            format!(
                "broker {endpoint} ends the TLS handshake ({alert:?}): it may ask for a client certificate, which Lambda has not"
            ),
        ),
        Some(problem) => no_tls(&problem.to_string(), endpoint),
        None => return Refusal::Unreachable(error.to_string()),
    })
}

fn untrusted(problem: &str, endpoint: &str) -> SourceError {
    denied(
        ReasonCode::Authentication,
        format!(
            "broker {endpoint} is not trusted ({problem}): give the certificate of the authority that signed the broker's, and \
             the host name that its certificate is for"
        ),
    )
}

fn no_tls(problem: &str, endpoint: &str) -> SourceError {
    SourceError::new(
        SourceErrorKind::Fatal,
        format!(
            "broker {endpoint} does not speak TLS at this port ({problem}): name the port of its AMQP+TLS connector, or write \
             amqp:// for one without TLS"
        ),
    )
    .with_reason(ReasonCode::ConfigNotValid)
}

/// Returns that TLS cannot be spoken with what is configured.
pub(crate) fn trust(problem: &str, endpoint: &str) -> Refusal {
    Refusal::Final(denied(
        ReasonCode::Authentication,
        format!("broker {endpoint} cannot be trusted: {problem}"),
    ))
}

/// Returns why `endpoint` does not open a connection.
pub(crate) fn open(error: OpenError, endpoint: &str) -> Refusal {
    Refusal::Final(match error {
        OpenError::SaslError {
            code: SaslCode::Auth,
            ..
        } => denied(
            ReasonCode::Authentication,
            format!(
                "broker {endpoint} refuses user name and password: check the mapping's secret, and that the broker knows the \
                 user"
            ),
        ),
        OpenError::NotImplemented(_) => denied(
            ReasonCode::Authentication,
            format!(
                "broker {endpoint} does not let in by user name and password (SASL PLAIN): allow that"
            ),
        ),
        OpenError::ProtocolHeaderMismatch(_) | OpenError::DecodeError(_) => no_amqp(endpoint),
        // What a client of AMQP makes of a TLS alert.
        OpenError::Io(error) if error.kind() == std::io::ErrorKind::Other => no_amqp(endpoint),
        OpenError::RemoteClosedWithError(error) if is_unauthorized(&error) => denied(
            ReasonCode::Authorization,
            format!(
                "broker {endpoint} does not let the user in: {}",
                said(&error)
            ),
        ),
        OpenError::RemoteClosedWithError(error) => SourceError::new(
            SourceErrorKind::Transient,
            format!("broker {endpoint} refuses the connection: {}", said(&error)),
        ),
        OpenError::Io(error) => return Refusal::Unreachable(error.to_string()),
        error => return Refusal::Unreachable(error.to_string()),
    })
}

fn no_amqp(endpoint: &str) -> SourceError {
    SourceError::new(
        SourceErrorKind::Fatal,
        format!(
            "broker {endpoint} does not speak AMQP 1.0 at this port: name the port of its AMQP connector, with amqp+ssl:// if \
             it speaks TLS; OpenWire is not spoken"
        ),
    )
    .with_reason(ReasonCode::ConfigNotValid)
}

/// Returns that none of the endpoints can be reached, each with its cause.
pub(crate) fn unreachable(causes: &[(String, String)]) -> SourceError {
    let causes: Vec<String> = causes
        .iter()
        .map(|(at, cause)| format!("{at} ({cause})"))
        .collect();
    SourceError::new(
        SourceErrorKind::Transient,
        format!(
            "no broker can be reached of {}: check the addresses, the network and that the broker runs",
            causes.join(", ")
        ),
    )
}

/// Returns why the queue cannot be consumed.
pub(crate) fn attach(error: &ReceiverAttachError, place: &Place) -> SourceError {
    match error {
        ReceiverAttachError::RemoteClosedWithError(error) => refused(error, place),
        error => ended(&error.to_string(), place),
    }
}

fn refused(error: &Error, Place { endpoint, queue }: &Place) -> SourceError {
    let said = said(error);
    if is_unauthorized(error) {
        return denied(
            ReasonCode::Authorization,
            format!(
                "broker {endpoint} does not allow queue {queue} to be consumed: {said}: allow the user of the mapping's secret \
                 to read it, and to make it if it is missing"
            ),
        );
    }
    let kind = match error.condition {
        ErrorCondition::AmqpError(AmqpError::NotFound) => SourceErrorKind::NotFound,
        _ => SourceErrorKind::Transient,
    };
    SourceError::new(
        kind,
        format!("broker {endpoint} refuses queue {queue}: {said}"),
    )
}

/// Returns why nothing more comes.
pub(crate) fn received(error: &RecvError, place: &Place) -> SourceError {
    match error {
        RecvError::LinkStateError(
            LinkStateError::RemoteClosedWithError(error)
            | LinkStateError::RemoteDetachedWithError(error),
        ) => refused(error, place),
        error => ended(&error.to_string(), place),
    }
}

/// Returns that the session is over.
pub(crate) fn ended(cause: &str, Place { endpoint, queue }: &Place) -> SourceError {
    SourceError::new(
        SourceErrorKind::Transient,
        format!("the connection to broker {endpoint} for queue {queue} has ended: {cause}"),
    )
}

/// Returns that there was no answer within `seconds`.
pub(crate) fn late(seconds: u64, Place { endpoint, queue }: &Place) -> SourceError {
    SourceError::new(
        SourceErrorKind::Transient,
        format!("broker {endpoint} did not answer for queue {queue} within {seconds} s"),
    )
}

fn is_unauthorized(error: &Error) -> bool {
    matches!(
        error.condition,
        ErrorCondition::AmqpError(AmqpError::UnauthorizedAccess | AmqpError::NotAllowed)
    )
}

fn said(error: &Error) -> String {
    let condition = || format!("{:?}", error.condition);
    error.description.clone().unwrap_or_else(condition)
}
