//! One request to a token endpoint. No proxy is asked, and no redirect followed: a secret is in the request.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lambda_esm_engine::patience::within;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;

use super::certificates::roots;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may take to open; just beyond the first retransmission of a lost packet.
const CONNECT: Duration = Duration::from_millis(3_100);
/// The largest answer, in bytes; a token has some thousand.
const LONGEST: usize = 256 * 1024;

/// Sends a request, over TLS if its URL says so, and returns status and body. `root_ca` is whom to trust, in PEM;
/// `None` for whom this machine trusts. Fails in words.
pub(super) async fn send(
    request: Request<Full<Bytes>>,
    root_ca: Option<&str>,
) -> Result<(StatusCode, Bytes), String> {
    let answer = within(PATIENCE, exchange(request, root_ca)).await;
    let late = || Err(format!("it did not answer within {} s", PATIENCE.as_secs()));
    answer.unwrap_or_else(late)
}

async fn exchange(
    request: Request<Full<Bytes>>,
    root_ca: Option<&str>,
) -> Result<(StatusCode, Bytes), String> {
    let mut connect = HttpConnector::new();
    connect.set_connect_timeout(Some(CONNECT));
    connect.enforce_http(false);
    let builder = Client::builder(TokioExecutor::new());
    let response = if request.uri().scheme_str() == Some("http") {
        builder.build(connect).request(request).await
    } else {
        let tls = HttpsConnectorBuilder::new()
            .with_tls_config(trust(root_ca)?)
            .https_only()
            .enable_http1()
            .wrap_connector(connect);
        builder.build(tls).request(request).await
    };
    let (head, body) = response.map_err(|error| with_causes(&error))?.into_parts();
    match Limited::new(body, LONGEST).collect().await {
        Ok(body) => Ok((head.status, body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(format!("its answer has more than {LONGEST} bytes"))
        }
        Err(error) => Err(with_causes(error.as_ref())),
    }
}

fn trust(root_ca: Option<&str>) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match root_ca {
        Some(pem) => {
            let roots = roots(pem).ok_or("its certificate authority is no certificate in PEM")?;
            builder.with_root_certificates(roots)
        }
        None => builder
            .with_native_roots()
            .map_err(|error| format!("this machine's root certificates cannot be read: {error}"))?,
    };
    Ok(builder.with_no_client_auth())
}

/// Returns an error with its causes, joined by colons.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let line = error.to_string();
        if !text.contains(&line) {
            text = format!("{text}: {line}");
        }
        cause = error.source();
    }
    text
}
