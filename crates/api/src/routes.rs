//! Which path leads where.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use http::{Method, StatusCode, Uri};
use lambda_esm_core::excerpt::cut;

use crate::error::Fault;
use crate::state::Api;
use crate::{admission, decision_log, mappings, status, tags};

/// Returns the whole API.
pub(crate) fn router(api: Api) -> Router {
    let routes: [(&str, MethodRouter<Api>); 7] = [
        (
            "/2015-03-31/event-source-mappings",
            post(mappings::create).get(mappings::list),
        ),
        (
            "/2015-03-31/event-source-mappings/{uuid}",
            get(mappings::get)
                .put(mappings::update)
                .delete(mappings::delete),
        ),
        (
            "/2017-03-31/tags/{arn}",
            get(tags::list).post(tags::tag).delete(tags::untag),
        ),
        ("/metrics", get(status::metrics)),
        (admission::HEALTH, get(status::health)),
        ("/status", get(status::status)),
        ("/mappings/{uuid}/events", get(decision_log::read)),
    ];
    let mut router = Router::new();
    for (path, methods) in routes {
        router = router
            .route(path, methods.clone())
            .route(&format!("{path}/"), methods);
    }
    router
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(from_fn_with_state(api.clone(), admission::admit))
        .with_state(api)
}

/// Answers for everything else, with the name AWS's services give it.
async fn unknown(method: Method, uri: Uri) -> Fault {
    let message = format!(
        "There is no operation {} {}. This is the Lambda API of event source mappings and their tags \
         only; functions and the rest of Lambda are elsewhere.",
        cut(method),
        cut(uri.path())
    );
    Fault::framework(StatusCode::NOT_FOUND, "UnknownOperationException", message)
}
