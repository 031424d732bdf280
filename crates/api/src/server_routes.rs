//! Which path of the [server](crate::serve) leads where.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get};
use http::{Method, Uri};

use crate::error::Fault;
use crate::routes::mount;
use crate::state::Api;
use crate::{admission, decision_log, status};

/// Returns the AWS paths, and those for operators beside them, behind the admission of requests.
pub(crate) fn server_routes(api: Api) -> Router {
    let routes: [(&str, MethodRouter<Api>); 4] = [
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
        .with_state(api.clone())
        .merge(mount(api.engine.clone(), api.options.limits.body_bytes))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(from_fn_with_state(api, admission::admit))
}

/// Answers for everything else.
async fn unknown(method: Method, uri: Uri) -> Fault {
    Fault::unknown_operation(&method, uri.path()).explained(
        "This is the Lambda API of event source mappings and their tags only; functions and the rest of Lambda \
         are elsewhere.",
    )
}
