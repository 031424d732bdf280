//! A registry on this machine that answers what a test says.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use lambda_esm_schema_registry::SchemaId;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub(crate) const SEVEN: SchemaId = SchemaId::Confluent(7);

/// A request: its path with the query, and its headers.
pub(crate) type Seen = (String, HeaderMap);
type Answer = Response<Full<Bytes>>;

/// What is answered: a status and a body, or nothing for ever.
pub(crate) enum Reply {
    Json(u16, String),
    Redirect(String),
    Never,
}

/// Answers until it is dropped.
pub(crate) struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(None, reply).await
    }

    pub(crate) async fn start_tls(
        acceptor: TlsAcceptor,
        reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(Some(acceptor), reply).await
    }

    async fn start_with(
        tls: Option<TlsAcceptor>,
        reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::default());
        let reply = Arc::new(reply);
        let record = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (reply, record) = (Arc::clone(&reply), Arc::clone(&record));
                let tls = tls.clone();
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, reply, record).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, reply, record).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, seen, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn tls_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The paths that were asked for, in order.
    pub(crate) fn paths(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(path, _)| path.clone()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    reply: Arc<impl Fn(&Seen) -> Reply>,
    record: Arc<Mutex<Vec<Seen>>>,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let seen = (request.uri().to_string(), request.headers().clone());
        let reply = reply(&seen);
        record.lock().unwrap().push(seen);
        async move { Ok::<_, Infallible>(answer(reply).await) }
    });
    // A client that goes away, or never comes to trust us, is no failure of the server.
    drop(
        http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

async fn answer(reply: Reply) -> Answer {
    match reply {
        Reply::Json(status, body) => Response::builder()
            .status(status)
            .body(body.into())
            .unwrap(),
        Reply::Redirect(to) => {
            let response = Response::builder().status(302).header("location", to);
            response.body(Full::default()).unwrap()
        }
        Reply::Never => std::future::pending().await,
    }
}
