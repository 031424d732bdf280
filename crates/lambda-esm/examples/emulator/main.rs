//! A small emulator with a queue, a stream, a function runner and a store of its own, whose event source mappings
//! are those of lambda-esm.
//!
//! ```text
//! cargo run --example emulator --no-default-features --features api
//! curl -X PUT  localhost:4599/queues/orders
//! curl -X POST localhost:4599/2015-03-31/event-source-mappings/ -d '{"FunctionName": "print",
//!     "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders"}'
//! curl -X POST localhost:4599/queues/orders -d 'hello'
//! ```

mod functions;
mod queue;
mod resources;
mod store;
mod stream;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use lambda_esm::store::Store;
use lambda_esm::{Clock, Engine, EngineOptions, Metrics, api};

use crate::functions::Functions;
use crate::resources::{ACCOUNT, REGION, Resources};
use crate::store::FileStore;

/// What the emulator consists of. The engine reaches everything else through its ports.
#[derive(Clone)]
struct Emulator {
    resources: Arc<Resources>,
    functions: Arc<Functions>,
    engine: Engine,
}

impl Emulator {
    /// Puts an emulator together, and begins with the mappings that `store` has kept. One clock for all: what the
    /// queue hides and what the engine waits for must agree.
    async fn start(clock: Clock, store: impl Store) -> Result<Self, Box<dyn Error>> {
        let resources = Arc::new(Resources::new(clock));
        let functions = Arc::new(Functions::default());
        let options = EngineOptions::default()
            .with_region(REGION.to_owned())
            .with_account_id(ACCOUNT.to_owned())
            // A template may make a mapping before its queue.
            .with_missing_sources_allowed(true);
        let (engine, started) = Engine::builder()
            .clock(clock)
            .options(options)
            .provider(resources.clone())
            .destinations(resources.clone())
            .invoke(functions.clone())
            .store(store)
            .start(Vec::new())
            .await?;
        for (mapping, error) in started.unusable {
            eprintln!("mapping {mapping} cannot be used any more: {error}");
        }
        Ok(Self {
            resources,
            functions,
            engine,
        })
    }

    /// Returns the emulator's own paths, and beside them those of event source mappings.
    fn router(&self) -> Router {
        Router::new()
            .route("/queues/{name}", put(make_queue).post(send).get(count))
            .route("/streams/{name}", put(make_stream))
            .route("/streams/{name}/{key}", post(put_record))
            .route("/metrics", get(metrics))
            .with_state(self.clone())
            .merge(api::routes(self.engine.clone()))
    }
}

async fn make_queue(State(emulator): State<Emulator>, Path(name): Path<String>) -> StatusCode {
    let arn = emulator.resources.make_queue(&name);
    // Mappings that wait for it begin at once.
    emulator.engine.source_changed(&arn);
    StatusCode::CREATED
}

async fn make_stream(State(emulator): State<Emulator>, Path(name): Path<String>) -> StatusCode {
    let arn = emulator.resources.make_stream(&name);
    emulator.engine.source_changed(&arn);
    StatusCode::CREATED
}

async fn send(
    State(emulator): State<Emulator>,
    Path(name): Path<String>,
    body: String,
) -> StatusCode {
    match emulator.resources.queue(&name) {
        Some(queue) => {
            queue.send(body);
            StatusCode::OK
        }
        None => StatusCode::NOT_FOUND,
    }
}

/// How many messages a queue has.
async fn count(State(emulator): State<Emulator>, Path(name): Path<String>) -> String {
    let queue = emulator.resources.queue(&name);
    queue.map_or(0, |queue| queue.len()).to_string()
}

async fn put_record(
    State(emulator): State<Emulator>,
    Path((name, key)): Path<(String, String)>,
    body: axum::body::Bytes,
) -> StatusCode {
    match emulator.resources.stream(&name) {
        Some(stream) => {
            stream.put(key, body);
            StatusCode::OK
        }
        None => StatusCode::NOT_FOUND,
    }
}

/// The emulator's page has metrics of its own, and at the end of all that of OpenMetrics.
async fn metrics(State(emulator): State<Emulator>) -> String {
    let queues = emulator.resources.queues();
    let own = format!("# TYPE emulator_queues gauge\nemulator_queues {queues}\n");
    let labels = [("region", REGION)];
    let mappings = Metrics::render_all([(emulator.engine.metrics(), &labels[..])]);
    format!("{own}{mappings}# EOF\n")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = FileStore::open("emulator-mappings.json".into())?;
    let emulator = Emulator::start(Clock::system(), store).await?;
    emulator.functions.add("print", |event| {
        println!("{}", String::from_utf8_lossy(event));
        Ok("null".into())
    });
    emulator
        .functions
        .add("fail", |_| Err("this function always fails".to_owned()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:4599").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, emulator.router())
        .with_graceful_shutdown(async {
            if let Err(error) = tokio::signal::ctrl_c().await {
                eprintln!("Ctrl-C cannot be heard: {error}");
            }
        })
        .await?;
    // What is in flight is finished, within the bound of the options.
    emulator.engine.shutdown().await;
    Ok(())
}
