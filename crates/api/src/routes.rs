//! The AWS paths as routes of an axum server.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::any;
use bytes::Bytes;
use http::Response;
use lambda_esm_engine::Engine;

use crate::body::whole;
use crate::operations::{MAPPINGS, TAGS, answer};
use crate::options::ApiLimits;

/// Returns the AWS paths alone, to be merged into a router of one's own (axum 0.8), or nested in it: one for each
/// engine. They share nothing.
///
/// Whatever [`serve`](crate::serve) puts around them is left to the server that they are mounted in: who may ask,
/// which web pages may make a browser ask, how many may, how long a body may take to come, and logs. Bodies are
/// bounded by the default of [`ApiLimits::body_bytes`]. Answers carry no `x-lambda-esm-hint`: such hints are for
/// operators.
///
/// All other paths are left to the fallback of that server; a method that stands for no operation is refused here,
/// as AWS does. A router with a state of its own takes `routes(engine).with_state(())`. One that has
/// `/2017-03-31/tags/{arn}` for other resources cannot merge the same path again: it calls
/// [`handle`](crate::handle) for the ARNs of mappings.
///
/// Must be served within a tokio runtime. A client that hangs up stops no change that has begun.
pub fn routes(engine: Engine) -> Router {
    mount(engine, ApiLimits::default().body_bytes)
}

/// Returns the AWS paths, for bodies of at most `most` bytes.
pub(crate) fn mount(engine: Engine, most: usize) -> Router {
    let operations = any(move |request: Request| {
        let engine = engine.clone();
        async move {
            read_and_answer(&engine, request, most)
                .await
                .map(Body::from)
        }
    });
    let paths = [
        MAPPINGS.to_owned(),
        format!("{MAPPINGS}/{{uuid}}"),
        format!("{TAGS}/{{arn}}"),
    ];
    let mut router = Router::new();
    for path in paths {
        router = router
            .route(&path, operations.clone())
            .route(&format!("{path}/"), operations.clone());
    }
    router
}

async fn read_and_answer(engine: &Engine, request: Request, most: usize) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    let body = whole(&parts.headers, body, most, |_| Ok(())).await;
    answer(engine, &parts, body).await
}
