//! Which request is which operation.

use std::borrow::Cow;

use axum::extract::Query;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderValue, Method, Response, Uri};
use lambda_esm_core::excerpt::cut;
use lambda_esm_engine::Engine;
use percent_encoding::percent_decode_str;

use crate::error::{Answer, Fault};
use crate::request_id::identify;
use crate::{mappings, tags};

/// The path of all mappings; below it is that of each.
pub(crate) const MAPPINGS: &str = "/2015-03-31/event-source-mappings";
/// The path below which the tags of each resource are.
pub(crate) const TAGS: &str = "/2017-03-31/tags";

/// What a path stands for; names are as they are in the path.
enum Resource<'a> {
    Mappings,
    Mapping(&'a str),
    Tags(&'a str),
}

impl<'a> Resource<'a> {
    /// Reads a path, which may end in a slash.
    fn of(path: &'a str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        if path == MAPPINGS {
            return Some(Self::Mappings);
        }
        let name = |collection| {
            let name: &str = path.strip_prefix(collection)?.strip_prefix('/')?;
            (!name.is_empty() && !name.contains('/')).then_some(name)
        };
        let mapping = name(MAPPINGS).map(Self::Mapping);
        mapping.or_else(|| name(TAGS).map(Self::Tags))
    }
}

/// Tells whether a path stands for something.
pub(crate) fn is_known(path: &str) -> bool {
    Resource::of(path).is_some()
}

/// Answers a request whose body was read, or could not be, as AWS does.
pub(crate) async fn answer(
    engine: &Engine,
    parts: &Parts,
    body: Result<Bytes, Fault>,
) -> Response<Bytes> {
    let answer = match body {
        Ok(body) => perform(engine, parts, body).await,
        Err(fault) => Err(fault),
    };
    let mut response = answer.unwrap_or_else(Fault::response);
    identify(&mut response);
    if parts.method == Method::HEAD {
        let length = HeaderValue::from(response.body().len());
        response.headers_mut().insert(CONTENT_LENGTH, length);
        *response.body_mut() = Bytes::new();
    }
    response
}

async fn perform(engine: &Engine, parts: &Parts, body: Bytes) -> Answer {
    let (method, path) = (&parts.method, parts.uri.path());
    let unknown = || Fault::unknown_operation(method, path);
    match Resource::of(path).ok_or_else(unknown)? {
        Resource::Mappings => match *method {
            Method::POST => mappings::create(engine, body).await,
            Method::GET | Method::HEAD => mappings::list(engine, &query(&parts.uri)?),
            _ => Err(unknown()),
        },
        Resource::Mapping(name) => match *method {
            Method::GET | Method::HEAD => mappings::get(engine, &decoded(name)?),
            Method::PUT => mappings::update(engine, &decoded(name)?, body).await,
            Method::DELETE => mappings::delete(engine, &decoded(name)?).await,
            _ => Err(unknown()),
        },
        Resource::Tags(arn) => match *method {
            Method::GET | Method::HEAD => tags::list(engine, &decoded(arn)?),
            Method::POST => tags::tag(engine, &decoded(arn)?, body).await,
            Method::DELETE => tags::untag(engine, &decoded(arn)?, query(&parts.uri)?).await,
            _ => Err(unknown()),
        },
    }
}

fn decoded(name: &str) -> Result<Cow<'_, str>, Fault> {
    percent_decode_str(name).decode_utf8().map_err(|_| {
        Fault::serialization(format!(
            "Could not read the path: '{}' is not UTF-8.",
            cut(name)
        ))
    })
}

fn query(uri: &Uri) -> Result<Vec<(String, String)>, Fault> {
    let query = Query::try_from_uri(uri);
    let Query(query) = query.map_err(|error| Fault::serialization(error.body_text()))?;
    Ok(query)
}
