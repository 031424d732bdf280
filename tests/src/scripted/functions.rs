//! The functions of the tests: an HTTP server that notes what each is given, and answers by a script.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// What a function answers.
pub enum Reply {
    /// This text.
    Says(String),
    /// An error.
    Fails,
}

impl Reply {
    /// Returns the answer of a function that returns nothing.
    #[must_use]
    pub fn done() -> Self {
        Self::Says("null".to_owned())
    }
}

/// What a function is: it is given the records of each event.
pub type Script<S> = Arc<dyn Fn(Vec<S>) -> BoxFuture<'static, Reply> + Send + Sync>;

/// Returns a function that answers at once.
pub fn answering<S: SeenRecord>(
    answer: impl Fn(&[S]) -> Reply + Send + Sync + 'static,
) -> Script<S> {
    Arc::new(move |records: Vec<S>| {
        let reply = answer(&records);
        async move { reply }.boxed()
    })
}

/// Returns a function that takes its time.
pub fn pending<S: SeenRecord, R>(run: impl Fn(Vec<S>) -> R + Send + Sync + 'static) -> Script<S>
where
    R: Future<Output = Reply> + Send + 'static,
{
    Arc::new(move |records| run(records).boxed())
}

/// Returns a function that succeeds with every event.
#[must_use]
pub fn fine<S: SeenRecord>() -> Script<S> {
    answering(|_: &[S]| Reply::done())
}

/// Returns a function that fails with every event.
#[must_use]
pub fn failing<S: SeenRecord>() -> Script<S> {
    answering(|_: &[S]| Reply::Fails)
}

/// A record, as a function sees it in its event.
pub trait SeenRecord: Clone + Send + Sync + 'static {
    /// Returns the records of an event, in its order.
    fn read(event: &[u8]) -> Vec<Self>;
}

/// One invocation.
#[derive(Clone, Debug)]
pub struct Call<S> {
    /// The event as it was sent.
    pub payload: Bytes,
    /// Its records.
    pub records: Vec<S>,
}

impl<S> Call<S> {
    /// Returns the event.
    #[must_use]
    pub fn event(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap()
    }
}

struct Known<S> {
    scripts: HashMap<String, Script<S>>,
    calls: HashMap<String, Vec<Call<S>>>,
}

/// Functions on a port of their own. Ends when it is dropped.
pub struct ScriptedFunctions<S> {
    address: SocketAddr,
    known: Arc<Mutex<Known<S>>>,
    task: JoinHandle<()>,
}

impl<S: SeenRecord> ScriptedFunctions<S> {
    /// Starts functions by name.
    pub async fn start(scripts: impl IntoIterator<Item = (String, Script<S>)>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let known = Arc::new(Mutex::new(Known {
            scripts: scripts.into_iter().collect(),
            calls: HashMap::new(),
        }));
        let shared = known.clone();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let known = shared.clone();
                let service = service_fn(move |request| answer(known.clone(), request));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // A daemon that is killed breaks it off.
                connections.spawn(async move { connection.await.ok() });
            }
        });
        Self {
            address,
            known,
            task,
        }
    }

    /// Returns the section `functions` of a daemon's configuration.
    #[must_use]
    pub fn sections(&self) -> Value {
        let known = self.lock();
        let sections = known.scripts.keys().map(|name| {
            let url = format!("http://{}/{name}", self.address);
            let section =
                json!({ "backend": "http", "url": url, "timeout": 120, "concurrency": 100 });
            (name.clone(), section)
        });
        Value::Object(sections.collect())
    }

    /// Returns the invocations of a function so far, in the order of their beginnings.
    #[must_use]
    pub fn calls(&self, name: &str) -> Vec<Call<S>> {
        self.lock().calls.get(name).cloned().unwrap_or_default()
    }

    /// Counts the records that a function was given so far.
    #[must_use]
    pub fn records(&self, name: &str) -> usize {
        let known = self.lock();
        let calls = known.calls.get(name).into_iter().flatten();
        calls.map(|call| call.records.len()).sum()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known<S>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Drop for ScriptedFunctions<S> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer<S: SeenRecord>(
    known: Arc<Mutex<Known<S>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let name = request.uri().path().trim_start_matches('/').to_owned();
    let Ok(body) = request.into_body().collect().await else {
        return Ok(Response::default());
    };
    let payload = body.to_bytes();
    let records = S::read(&payload);
    let script = {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let call = Call {
            payload,
            records: records.clone(),
        };
        known.calls.entry(name.clone()).or_default().push(call);
        known.scripts[&name].clone()
    };
    Ok(match script(records).await {
        Reply::Says(text) => Response::new(Full::from(text)),
        Reply::Fails => Response::builder()
            .header("X-Amz-Function-Error", "Unhandled")
            .body(Full::from(r#"{"errorMessage":"no","errorType":"Error"}"#))
            .unwrap(),
    })
}
