//! A small HTTP server, plain or over TLS, whose answers a test decides on.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::kafka::Certificates;

/// The largest request that is read.
const REQUEST_BYTES: usize = 1 << 20;

/// How a server is reached.
#[derive(Clone, Copy, Debug)]
pub enum Transport<'a> {
    /// Without encryption.
    Plain,
    /// Over TLS, with the certificate of the brokers.
    Tls(&'a Certificates),
    /// Over TLS, by clients that have a certificate of the tests' authority.
    MutualTls(&'a Certificates),
}

/// A server on a port of its own. Ends when it is dropped.
#[derive(Debug)]
pub struct Web {
    address: SocketAddr,
    scheme: &'static str,
    task: JoinHandle<()>,
}

impl Web {
    /// Starts a server that answers by `answer`.
    pub async fn start<F, A>(transport: Transport<'_>, answer: F) -> Self
    where
        F: Fn(Request<Bytes>) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let acceptor = acceptor(transport);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, answer) = (acceptor.clone(), answer.clone());
                connections.spawn(async move {
                    match acceptor {
                        None => serve(stream, answer).await,
                        // A client that does not trust the server, or has no certificate, ends here.
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, answer).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            scheme,
            task,
        }
    }

    /// Returns its URL, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<S, F, A>(stream: S, answer: F)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Bytes>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer.clone();
        async move {
            let (head, body) = request.into_parts();
            let response = match Limited::new(body, REQUEST_BYTES).collect().await {
                Ok(body) => answer(Request::from_parts(head, body.to_bytes())).await,
                Err(_) => Response::builder()
                    .status(413)
                    .body(Full::default())
                    .unwrap(),
            };
            Ok::<_, Infallible>(response)
        }
    });
    // A client may go at any time.
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
        .ok();
}

fn acceptor(transport: Transport<'_>) -> Option<TlsAcceptor> {
    let (certificates, mutual) = match transport {
        Transport::Plain => return None,
        Transport::Tls(certificates) => (certificates, false),
        Transport::MutualTls(certificates) => (certificates, true),
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let chain = CertificateDer::pem_file_iter(certificates.path("server.pem")).unwrap();
    let chain: Vec<_> = chain.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(certificates.path("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = if mutual {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(certificates.path("ca.pem")).unwrap();
        roots.add(authority).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        config.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        config.with_no_client_auth()
    };
    let config = config.with_single_cert(chain, key).unwrap();
    Some(TlsAcceptor::from(Arc::new(config)))
}
