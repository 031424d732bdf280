//! The five operations on mappings (Lambda API reference).

use bytes::Bytes;
use http::StatusCode;
use lambda_esm_core::excerpt::cut;
use lambda_esm_core::mapping::{
    ApiError, CreateEventSourceMapping, ErrorCode, UpdateEventSourceMapping,
};
use lambda_esm_engine::Engine;
use uuid::Uuid;

use crate::body;
use crate::error::{Answer, Fault, json};
use crate::pagination::ListQuery;

/// `CreateEventSourceMapping`.
pub(crate) async fn create(engine: &Engine, body: Bytes) -> Answer {
    let request: CreateEventSourceMapping = body::parse(body).await?;
    json(StatusCode::ACCEPTED, &engine.create(request).await?)
}

/// `GetEventSourceMapping`.
pub(crate) fn get(engine: &Engine, name: &str) -> Answer {
    json(StatusCode::OK, &engine.get(uuid(name)?)?)
}

/// `ListEventSourceMappings`.
pub(crate) fn list(engine: &Engine, query: &[(String, String)]) -> Answer {
    let query = ListQuery::parse(query, engine)?;
    json(StatusCode::OK, &query.page(engine))
}

/// `UpdateEventSourceMapping`.
pub(crate) async fn update(engine: &Engine, name: &str, body: Bytes) -> Answer {
    let uuid = uuid(name)?;
    let request: UpdateEventSourceMapping = body::parse(body).await?;
    if let Some(other) = &request.uuid
        && other.parse() != Ok(uuid)
    {
        let other = cut(other);
        let message = format!("The UUID {other} of the body is not the UUID {uuid} of the path.");
        return Err(ApiError::invalid("UUID", message).into());
    }
    let updated = engine.update(uuid, request).await?;
    json(StatusCode::ACCEPTED, &updated)
}

/// `DeleteEventSourceMapping`.
pub(crate) async fn delete(engine: &Engine, name: &str) -> Answer {
    json(StatusCode::ACCEPTED, &engine.delete(uuid(name)?).await?)
}

/// Reads the UUID of a path. One of the right length that is no UUID names a mapping that cannot exist.
pub(crate) fn uuid(name: &str) -> Result<Uuid, Fault> {
    let rule = match name.chars().count() {
        36 => None,
        0..36 => Some("Member must have length greater than or equal to 36"),
        _ => Some("Member must have length less than or equal to 36"),
    };
    match rule {
        Some(rule) => Err(Fault::validation(name, "uUID", rule)),
        None => name.parse().map_err(|_| missing().into()),
    }
}

/// The error for a mapping that does not exist (recorded).
pub(crate) fn missing() -> ApiError {
    let text = "The resource you requested does not exist.";
    ApiError::new(ErrorCode::ResourceNotFound, text)
}
