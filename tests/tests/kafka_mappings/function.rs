//! The functions of the tests: an HTTP server that notes what each is given, and answers by a script.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// What a function answers.
pub(crate) enum Reply {
    /// This text.
    Says(String),
    /// An error.
    Fails,
}

impl Reply {
    /// Returns the answer of a function that returns nothing.
    pub(crate) fn done() -> Self {
        Self::Says("null".to_owned())
    }
}

/// What a function is: it is given the records of each event.
pub(crate) type Script = Arc<dyn Fn(Vec<Seen>) -> BoxFuture<'static, Reply> + Send + Sync>;

/// Returns a function that answers at once.
pub(crate) fn answering(answer: impl Fn(&[Seen]) -> Reply + Send + Sync + 'static) -> Script {
    Arc::new(move |records| {
        let reply = answer(&records);
        async move { reply }.boxed()
    })
}

/// Returns a function that takes its time.
pub(crate) fn pending<R>(run: impl Fn(Vec<Seen>) -> R + Send + Sync + 'static) -> Script
where
    R: Future<Output = Reply> + Send + 'static,
{
    Arc::new(move |records| run(records).boxed())
}

/// Returns a function that succeeds with every event.
pub(crate) fn fine() -> Script {
    answering(|_| Reply::done())
}

/// Returns a function that fails with every event.
pub(crate) fn failing() -> Script {
    answering(|_| Reply::Fails)
}

/// One record, as a function saw it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Seen {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// None, of a tombstone.
    pub(crate) value: Option<Bytes>,
}

impl Seen {
    /// Returns `n` of a value such as `{"n":7}`.
    pub(crate) fn number(&self) -> usize {
        #[derive(Deserialize)]
        struct Numbered {
            n: usize,
        }
        let value: Numbered = serde_json::from_slice(self.value.as_ref().unwrap()).unwrap();
        value.n
    }
}

/// One invocation.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The event as it was sent.
    pub(crate) payload: Bytes,
    /// Its records, partition by partition.
    pub(crate) records: Vec<Seen>,
}

impl Call {
    /// Returns the numbers in the values of its records.
    pub(crate) fn numbers(&self) -> Vec<usize> {
        self.records.iter().map(Seen::number).collect()
    }

    /// Returns the event.
    pub(crate) fn event(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap()
    }
}

#[derive(Deserialize)]
struct Event {
    records: BTreeMap<String, Vec<Record>>,
}

#[derive(Deserialize)]
struct Record {
    partition: i32,
    offset: i64,
    value: Option<String>,
}

fn read(payload: &[u8]) -> Vec<Seen> {
    let event: Event = serde_json::from_slice(payload).unwrap();
    let records = event.records.into_values().flatten();
    let seen = records.map(|record| Seen {
        partition: record.partition,
        offset: record.offset,
        value: record
            .value
            .map(|text| STANDARD.decode(text).unwrap().into()),
    });
    seen.collect()
}

#[derive(Default)]
struct Known {
    scripts: HashMap<String, Script>,
    calls: HashMap<String, Vec<Call>>,
}

/// Functions on a port of their own. Ends when it is dropped.
pub(crate) struct Functions {
    address: SocketAddr,
    known: Arc<Mutex<Known>>,
    task: JoinHandle<()>,
}

impl Functions {
    /// Starts functions by name.
    pub(crate) async fn start(scripts: impl IntoIterator<Item = (String, Script)>) -> Self {
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
    pub(crate) fn sections(&self) -> Value {
        let known = self.lock();
        let sections = known.scripts.keys().map(|name| {
            let url = format!("http://{}/{name}", self.address);
            let section =
                json!({ "backend": "http", "url": url, "timeout": 60, "concurrency": 100 });
            (name.clone(), section)
        });
        Value::Object(sections.collect())
    }

    /// Returns the invocations of a function so far, in the order of their beginnings.
    pub(crate) fn calls(&self, name: &str) -> Vec<Call> {
        self.lock().calls.get(name).cloned().unwrap_or_default()
    }

    /// Counts the records that a function was given so far.
    pub(crate) fn records(&self, name: &str) -> usize {
        let known = self.lock();
        let calls = known.calls.get(name).into_iter().flatten();
        calls.map(|call| call.records.len()).sum()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Functions {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    known: Arc<Mutex<Known>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let name = request.uri().path().trim_start_matches('/').to_owned();
    let Ok(body) = request.into_body().collect().await else {
        return Ok(Response::default());
    };
    let payload = body.to_bytes();
    let records = read(&payload);
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
