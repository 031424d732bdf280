//! The operations without a transport.

use bytes::Bytes;
use http::{Request, Response};
use lambda_esm_engine::Engine;

use crate::error::Fault;
use crate::operations::{answer, is_known};
use crate::options::ApiLimits;

/// Tells whether a path, which may end in a slash, is one of the API's: `/2015-03-31/event-source-mappings`, with or
/// without a mapping's UUID, or `/2017-03-31/tags/` and an ARN. For a server that passes requests on by path.
#[must_use]
pub fn handles(path: &str) -> bool {
    is_known(path)
}

/// Answers one request as [`routes`](crate::routes) does, for a server that is not made with axum. A path that is none
/// of the API's is refused as AWS does.
///
/// The answer to `HEAD` has no body, and the `content-length` that it would have.
///
/// Must be called within a tokio runtime. Cancel safe: if the future is dropped, a change that has begun goes on to
/// its end, and one that has not is not made. Either way the mappings listed are those that the store keeps.
pub async fn handle(engine: &Engine, request: Request<Bytes>) -> Response<Bytes> {
    let most = ApiLimits::default().body_bytes;
    let (parts, body) = request.into_parts();
    let body = if body.len() > most {
        Err(Fault::too_large(most))
    } else {
        Ok(body)
    };
    answer(engine, &parts, body).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_of_the_api_are_its_own_with_a_slash_or_without() {
        let mappings = "/2015-03-31/event-source-mappings";
        for path in [
            mappings.to_owned(),
            format!("{mappings}/"),
            format!("{mappings}/1/"),
            "/2017-03-31/tags/arn:aws:lambda:x".to_owned(),
        ] {
            assert!(handles(&path), "{path}");
        }
        for path in ["/", "/status", "/2015-03-31/functions", "/2017-03-31/tags/"] {
            assert!(!handles(path), "{path}");
        }
    }
}
