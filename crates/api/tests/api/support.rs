//! A server to ask, and a client to ask it with.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lambda_esm_api::{ApiLimits, ApiOptions, Auth, serve};
use lambda_esm_core::fault::{InvokeError, SourceError, SourceErrorKind};
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{
    MemoryDestination, MemoryQueue, MemoryQueueOptions, MemoryStream, MemoryStreamOptions,
    SendMessage, StreamCall,
};
use lambda_esm_engine::ports::{QueueFacts, QueueSource, ReceiveRequest, Received, Settlement};
use lambda_esm_engine::{Clock, Engine, EngineOptions};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// Where mappings are.
pub(crate) const MAPPINGS: &str = "/2015-03-31/event-source-mappings";
/// The queue that always exists.
pub(crate) const ORDERS: &str = "arn:aws:sqs:us-east-1:000000000000:orders";

/// The answer to one request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The header that names an error.
    pub(crate) fn error(&self) -> &str {
        self.headers
            .get("x-amzn-errortype")
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts an error with this status, name and body.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, error: &str, body: Value) {
        assert_eq!(
            (self.status.as_u16(), self.error(), self.json()),
            (status, error, body)
        );
        assert_eq!(self.headers["content-type"], "application/json");
        assert!(!self.headers["x-amzn-requestid"].is_empty());
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) engine: Engine,
    pub(crate) orders: MemoryQueue,
    /// The Kinesis stream `clicks`.
    pub(crate) clicks: MemoryStream,
    client: Client<HttpConnector, Full<Bytes>>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Starts a server without authentication.
    pub(crate) async fn start() -> Self {
        Self::with(Auth::None, ApiLimits::default()).await
    }

    pub(crate) async fn with(auth: Auth, limits: ApiLimits) -> Self {
        let clock = Clock::system();
        let orders = MemoryQueue::new(clock, MemoryQueueOptions::default());
        let clicks = MemoryStream::new(clock, MemoryStreamOptions::kinesis().with_shards(2));
        let mut builder = Engine::builder()
            .clock(clock)
            .options(EngineOptions::default().with_transition(Duration::from_millis(100)))
            .source("orders", orders.clone())
            .source("missing", Missing)
            .source("silent", Silent)
            .stream("clicks", clicks.clone())
            .stream("gone", gone(clock))
            .stream(
                "users",
                MemoryStream::new(clock, MemoryStreamOptions::dynamo_db()),
            )
            .destination("dead", MemoryDestination::default());
        for n in 0..120 {
            let queue = MemoryQueue::new(clock, MemoryQueueOptions::default());
            builder = builder.source(format!("queue-{n}"), queue);
        }
        let fifo = MemoryQueueOptions::default().with_fifo(true);
        builder = builder.source("orders.fifo", MemoryQueue::new(clock, fifo));
        for name in ["f", "g"] {
            builder = builder.function(name, Closure::new(|_| async { Ok(Bytes::from("null")) }));
        }
        let failing = Closure::new(|_| async { Err(InvokeError::function("Error: no")) });
        let engine = builder.function("failing", failing).build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let options = ApiOptions::new(address).with_auth(auth).with_limits(limits);
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = serve(engine.clone(), listener, options, async {
            stopped.await.unwrap_or_default();
        });
        Self {
            address,
            engine,
            orders,
            clicks,
            client: Client::builder(TokioExecutor::new()).build_http(),
            stop: Some(stop),
            served: tokio::spawn(serving),
        }
    }

    /// Stops the server and waits for its end.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        self.served.await.unwrap().unwrap();
        self.engine.shutdown().await;
    }

    /// Tells the server to stop, and goes on.
    pub(crate) fn begin_stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let response = self.client.request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Request<Full<Bytes>> {
        Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .body(Full::new(body.into()))
            .unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, path, body.to_string());
        self.send(request).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        let request = self.request(Method::PUT, path, body.to_string());
        self.send(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path, "")).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path, "")).await
    }

    /// Creates a mapping of `orders` to `f` with these members besides, and returns its configuration.
    pub(crate) async fn create(&self, more: Value) -> Value {
        let answer = self.post(MAPPINGS, mapping(more)).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        answer.json()
    }

    /// Creates a mapping and waits until it has settled; returns its UUID.
    pub(crate) async fn created(&self, more: Value) -> String {
        let uuid = self.create(more).await["UUID"].as_str().unwrap().to_owned();
        self.settled(&uuid).await;
        uuid
    }

    /// Waits until a mapping is enabled or disabled.
    pub(crate) async fn settled(&self, uuid: &str) -> Value {
        let path = format!("{MAPPINGS}/{uuid}");
        until("the mapping has settled", async || {
            let mapping = self.get(&path).await.json();
            let state = mapping["State"].as_str().unwrap();
            ["Enabled", "Disabled"].contains(&state).then_some(mapping)
        })
        .await
    }

    /// Sends `count` messages to the queue `orders`.
    pub(crate) fn fill(&self, count: usize) {
        for n in 0..count {
            let message = SendMessage::new(format!("{{\"n\":{n}}}"));
            self.orders.send(message).unwrap();
        }
    }
}

/// A request to create a mapping of `orders` to `f`, with these members besides or instead.
pub(crate) fn mapping(more: Value) -> Value {
    let mut request = json!({ "EventSourceArn": ORDERS, "FunctionName": "f" });
    let members = request.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    request
}

/// Asks again and again until there is an answer; fails if there is none within a minute.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "waited in vain: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// SigV4 with one key.
pub(crate) fn sigv4() -> Auth {
    Auth::sigv4([("AKIDEXAMPLE", "secret")], "us-east-1")
}

/// A stream that its service does not know.
fn gone(clock: Clock) -> MemoryStream {
    let stream = MemoryStream::new(clock, MemoryStreamOptions::kinesis());
    stream.fail_next(StreamCall::List, 1_000, SourceErrorKind::NotFound);
    stream
}

/// A queue whose service does not answer.
struct Silent;

#[async_trait]
impl QueueSource for Silent {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        std::future::pending().await
    }

    async fn receive(&self, _: ReceiveRequest) -> Result<Received, SourceError> {
        std::future::pending().await
    }

    async fn settle(&self, _: &[Settlement]) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        std::future::pending().await
    }
}

/// A queue that the queue service does not know.
struct Missing;

#[async_trait]
impl QueueSource for Missing {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        let text = "Error occurred while ReceiveMessage. SQS Error Code: \
            AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.";
        Err(SourceError::new(SourceErrorKind::NotFound, text))
    }

    async fn receive(&self, _: ReceiveRequest) -> Result<Received, SourceError> {
        self.describe().await.map(|_| Received::default())
    }

    async fn settle(&self, _: &[Settlement]) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        self.describe().await.map(|_| Vec::new())
    }
}
