//! What is wrong, in the words that a mapping shows, with the way out.

use std::io;

use lambda_esm_core::fault::SourceErrorKind::{Denied, Fatal, NotFound, Transient};
use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use lapin::ErrorKind;

use crate::place::Place;

/// The broker cannot be reached at all.
pub(crate) fn unreachable(error: &io::Error, place: &Place) -> SourceError {
    let broker = &place.broker;
    SourceError::new(
        Transient,
        format!(
            "no broker can be reached at {broker} ({error}): check the address, the network and that the broker runs"
        ),
    )
}

/// A TLS session could not be had.
pub(crate) fn tls(error: &io::Error, place: &Place) -> SourceError {
    let (broker, told) = (&place.broker, error.to_string());
    if told.contains("certificate") {
        return SourceError::new(
            Denied,
            format!(
                "the certificate of {broker} is not believed ({told}): name the authority that signed it, or the host \
                 that it is for"
            ),
        )
        .with_reason(ReasonCode::Authentication);
    }
    SourceError::new(
        Transient,
        format!(
            "no TLS session with {broker} ({told}): check that this port speaks TLS, or use amqp://"
        ),
    )
}

/// Nothing came of it in time.
pub(crate) fn silent(seconds: u64, place: &Place) -> SourceError {
    SourceError::new(
        Transient,
        format!(
            "{place} could not be consumed within {seconds} s: check the network, and that the port speaks the protocol \
             of the address"
        ),
    )
}

/// The broker was reached and did not let the client in.
pub(crate) fn login(error: &lapin::Error, username: &str, place: &Place) -> SourceError {
    let Place {
        broker,
        virtual_host,
        ..
    } = place;
    let ErrorKind::ProtocolError(told) = error.kind() else {
        return SourceError::new(
            Transient,
            format!(
                "{broker} did not answer as RabbitMQ does ({error}): check the port; one for TLS wants amqps://"
            ),
        );
    };
    let text = told.get_message().as_str();
    match told.get_id() {
        403 => denied(
            ReasonCode::Authentication,
            format!(
                "{broker} refuses user {username} ({text}): check user name and password in the mapping's secret"
            ),
        ),
        530 if text.contains("not found") => missing(format!(
            "there is no virtual host {virtual_host} at {broker} ({text}): create it, or correct VIRTUAL_HOST"
        )),
        530 if text.contains("refused for user") => denied(
            ReasonCode::Authorization,
            format!(
                "user {username} may not use virtual host {virtual_host} of {broker} ({text}): give the user permissions \
                 in it"
            ),
        ),
        _ => SourceError::new(Transient, format!("{broker} ended the connection: {text}")),
    }
}

/// The queue cannot be consumed, or no longer.
pub(crate) fn consuming(error: &lapin::Error, place: &Place) -> SourceError {
    let told = match error.kind() {
        ErrorKind::ProtocolError(told) => told,
        ErrorKind::MissingHeartbeatError => {
            return SourceError::new(
                Transient,
                format!("{} is silent: no heartbeat came for 20 s", place.broker),
            );
        }
        _ => {
            return SourceError::new(
                Transient,
                format!("the connection to {} is lost ({error})", place.broker),
            );
        }
    };
    let text = told.get_message().as_str();
    match told.get_id() {
        404 => missing(format!(
            "there is no {place} ({text}): create it, or make the mapping for another queue"
        )),
        403 if text.contains("exclusive") => SourceError::new(
            Transient,
            format!("{place} has another consumer that wants it alone ({text}): end that one"),
        ),
        403 => denied(
            ReasonCode::Authorization,
            format!("the mapping's user may not read {place} ({text}): permit the user to read it"),
        ),
        405 => denied(
            ReasonCode::ConfigNotValid,
            format!("{place} is only for the connection that made it ({text}): use another queue"),
        ),
        406 if text.contains("timed out") => SourceError::new(
            Transient,
            format!(
                "{place} waited too long for deliveries to be settled ({text}): raise the broker's consumer_timeout above \
                 what the function and its retries take"
            ),
        ),
        320 => SourceError::new(
            Transient,
            format!("{} ended the connection ({text})", place.broker),
        ),
        540 => SourceError::new(
            Fatal,
            format!("{place} cannot be consumed by a mapping ({text})"),
        ),
        _ => SourceError::new(Transient, format!("{place} is consumed no longer: {text}")),
    }
}

/// The broker has ended the consumer.
pub(crate) fn cancelled(place: &Place) -> SourceError {
    SourceError::new(
        Transient,
        format!(
            "the broker ended the consumer of {place}: the queue was deleted, or has lost its node"
        ),
    )
}

/// The session was closed.
pub(crate) fn closed(place: &Place) -> SourceError {
    SourceError::new(
        Transient,
        format!("the session with {} is closed", place.broker),
    )
}

fn denied(reason: ReasonCode, message: String) -> SourceError {
    with(Denied, reason, message)
}

fn missing(message: String) -> SourceError {
    with(NotFound, ReasonCode::ConfigNotValid, message)
}

fn with(kind: SourceErrorKind, reason: ReasonCode, message: String) -> SourceError {
    SourceError::new(kind, message).with_reason(reason)
}
