//! How connections are opened: directly, or through the proxy that the environment names.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Opens connections. `https` goes through a proxy in a tunnel, `http` is handed to the proxy as it is.
#[derive(Clone, Debug)]
pub(super) struct ProxyConnector {
    tcp: HttpConnector,
    proxies: Option<Arc<Matcher>>,
}

impl ProxyConnector {
    pub(super) fn new(tcp: HttpConnector, proxies: Option<Arc<Matcher>>) -> Self {
        Self { tcp, proxies }
    }
}

impl Service<Uri> for ProxyConnector {
    type Response = ProxyStream;
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<ProxyStream, Cause>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let mut tcp = self.tcp.clone();
        let proxies = self.proxies.as_ref();
        let proxy = proxies.and_then(|proxies| proxies.intercept(&destination));
        Box::pin(async move {
            let Some(proxy) = proxy else {
                let stream = tcp.call(destination).await?;
                return Ok(ProxyStream {
                    stream,
                    hands_on: false,
                });
            };
            if proxy.uri().scheme() != Some(&Scheme::HTTP) {
                let text = format!("proxy {} must begin with http://", proxy.uri());
                return Err(text.into());
            }
            if destination.scheme() != Some(&Scheme::HTTPS) {
                let stream = tcp.call(proxy.uri().clone()).await?;
                return Ok(ProxyStream {
                    stream,
                    hands_on: true,
                });
            }
            let mut tunnel = Tunnel::new(proxy.uri().clone(), tcp);
            if let Some(user) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(user.clone());
            }
            let stream = tunnel.call(destination).await?;
            Ok(ProxyStream {
                stream,
                hands_on: false,
            })
        })
    }
}

/// A connection to the server, or to a proxy.
pub(super) struct ProxyStream {
    stream: TokioIo<TcpStream>,
    /// Whether a proxy at the other end reads requests, and hands them on.
    hands_on: bool,
}

impl ProxyStream {
    fn stream(self: Pin<&mut Self>) -> Pin<&mut TokioIo<TcpStream>> {
        Pin::new(&mut self.get_mut().stream)
    }
}

impl Connection for ProxyStream {
    fn connected(&self) -> Connected {
        self.stream.connected().proxy(self.hands_on)
    }
}

impl Read for ProxyStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, buffer)
    }
}

impl Write for ProxyStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(context, parts)
    }
}
