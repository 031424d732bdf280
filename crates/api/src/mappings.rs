//! The five operations on mappings (Lambda API reference).

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use lambda_esm_core::excerpt::cut;
use lambda_esm_core::mapping::{
    ApiError, CreateEventSourceMapping, ErrorCode, UpdateEventSourceMapping,
};
use uuid::Uuid;

use crate::body;
use crate::error::{Fault, json};
use crate::pagination::ListQuery;
use crate::state::Api;

/// A UUID in the path, as far as it could be decoded.
pub(crate) type UuidPath = Result<Path<String>, PathRejection>;

/// `CreateEventSourceMapping`.
pub(crate) async fn create(State(api): State<Api>, body: Bytes) -> Result<Response, Fault> {
    let request: CreateEventSourceMapping = body::parse(body).await?;
    json(StatusCode::ACCEPTED, &api.engine.create(request).await?)
}

/// `GetEventSourceMapping`.
pub(crate) async fn get(State(api): State<Api>, path: UuidPath) -> Result<Response, Fault> {
    json(StatusCode::OK, &api.engine.get(uuid(path)?)?)
}

/// `ListEventSourceMappings`.
pub(crate) async fn list(
    State(api): State<Api>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Fault> {
    let Query(query) = query.map_err(|error| Fault::serialization(error.body_text()))?;
    let query = ListQuery::parse(&query, &api.engine)?;
    json(StatusCode::OK, &query.page(&api.engine))
}

/// `UpdateEventSourceMapping`.
pub(crate) async fn update(
    State(api): State<Api>,
    path: UuidPath,
    body: Bytes,
) -> Result<Response, Fault> {
    let uuid = uuid(path)?;
    let request: UpdateEventSourceMapping = body::parse(body).await?;
    if let Some(other) = &request.uuid
        && other.parse() != Ok(uuid)
    {
        let other = cut(other);
        let message = format!("The UUID {other} of the body is not the UUID {uuid} of the path.");
        return Err(ApiError::invalid("UUID", message).into());
    }
    let updated = api.engine.update(uuid, request).await?;
    json(StatusCode::ACCEPTED, &updated)
}

/// `DeleteEventSourceMapping`.
pub(crate) async fn delete(State(api): State<Api>, path: UuidPath) -> Result<Response, Fault> {
    let uuid = uuid(path)?;
    json(StatusCode::ACCEPTED, &api.engine.delete(uuid).await?)
}

/// Reads the UUID of a path. One of the right length that is no UUID names a mapping that cannot exist.
pub(crate) fn uuid(path: UuidPath) -> Result<Uuid, Fault> {
    let Path(text) = path.map_err(|error| Fault::serialization(error.body_text()))?;
    let rule = match text.chars().count() {
        36 => None,
        0..36 => Some("Member must have length greater than or equal to 36"),
        _ => Some("Member must have length less than or equal to 36"),
    };
    match rule {
        Some(rule) => Err(Fault::validation(&text, "uUID", rule)),
        None => text.parse().map_err(|_| missing().into()),
    }
}

/// The error for a mapping that does not exist (recorded).
pub(crate) fn missing() -> ApiError {
    let text = "The resource you requested does not exist.";
    ApiError::new(ErrorCode::ResourceNotFound, text)
}
