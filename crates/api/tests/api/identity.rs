//! Who may ask: signatures, tokens, and browsers.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use lambda_esm_api::{ApiLimits, ApiOptions, Auth, serve};
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{MAPPINGS, Server, mapping, sigv4};

struct Signer {
    id: &'static str,
    secret: &'static str,
    region: &'static str,
    service: &'static str,
    /// Milliseconds from the server's time.
    offset: i64,
}

const RIGHT: Signer = Signer {
    id: "AKIDEXAMPLE",
    secret: "secret",
    region: "us-east-1",
    service: "lambda",
    offset: 0,
};

impl Signer {
    fn sign(
        &self,
        server: &Server,
        method: Method,
        path: &str,
        body: &str,
    ) -> Request<Full<Bytes>> {
        let millis = server.engine.clock().now().millis() + self.offset;
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(millis.unsigned_abs());
        let identity = Identity::from(Credentials::new(self.id, self.secret, None, None, "test"));
        let params = SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(time)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let mut request = server.request(method, path, body.to_owned());
        request
            .headers_mut()
            .insert("x-amz-meta", "  two   words ".parse().unwrap());
        let url = request.uri().to_string();
        let headers = [("x-amz-meta", "  two   words ")];
        let signable = SignableRequest::new(
            request.method().as_str(),
            url,
            headers.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        )
        .unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);
        request
    }
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. \
    Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

#[tokio::test]
async fn a_request_signed_with_the_right_key_passes() {
    let server = Server::with(sigv4(), ApiLimits::default()).await;
    let body = mapping(json!({})).to_string();
    let created = server
        .send(RIGHT.sign(&server, Method::POST, &format!("{MAPPINGS}/"), &body))
        .await;
    assert_eq!(created.status.as_u16(), 202, "{created:?}");
    let arn = created.json()["EventSourceMappingArn"]
        .as_str()
        .unwrap()
        .to_owned();
    let encoded = arn.replace(':', "%3A");
    for path in [
        format!("{MAPPINGS}?FunctionName=function%3Af&MaxItems=5&EventSourceArn="),
        format!("/2017-03-31/tags/{encoded}"),
        format!("/2017-03-31/tags/{arn}"),
        "/status".to_owned(),
        "/metrics".to_owned(),
    ] {
        for offset in [-290_000, 0, 290_000] {
            let signer = Signer { offset, ..RIGHT };
            let answer = server
                .send(signer.sign(&server, Method::GET, &path, ""))
                .await;
            assert_eq!(answer.status.as_u16(), 200, "{path}: {answer:?}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn wrong_signatures_are_403_with_the_reason() {
    let server = Server::with(sigv4(), ApiLimits::default()).await;
    for (signer, error, words) in [
        (
            Signer {
                id: "AKIDOTHER",
                ..RIGHT
            },
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        (
            Signer {
                secret: "guess",
                ..RIGHT
            },
            "InvalidSignatureException",
            MISMATCH,
        ),
        (
            Signer {
                offset: -301_000,
                ..RIGHT
            },
            "InvalidSignatureException",
            "Signature expired: ",
        ),
        (
            Signer {
                offset: 310_000,
                ..RIGHT
            },
            "InvalidSignatureException",
            "Signature not yet current: ",
        ),
        (
            Signer {
                region: "eu-west-1",
                ..RIGHT
            },
            "InvalidSignatureException",
            "valid region",
        ),
        (
            Signer {
                service: "sqs",
                ..RIGHT
            },
            "InvalidSignatureException",
            "correct service: 'lambda'",
        ),
    ] {
        let answer = server
            .send(signer.sign(&server, Method::GET, MAPPINGS, ""))
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.error()),
            (403, error),
            "{answer:?}"
        );
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(
            message.starts_with(words) || words.len() < 30 && message.contains(words),
            "{message}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn an_unsigned_request_is_403_and_health_needs_no_signature() {
    let server = Server::with(sigv4(), ApiLimits::default()).await;
    let missing = json!({ "message": "Missing Authentication Token" });
    for path in [MAPPINGS, "/status", "/metrics", "/nothing"] {
        let answer = server.get(path).await;
        answer.refused(403, "MissingAuthenticationTokenException", missing.clone());
    }
    assert_eq!(server.get("/healthz").await.status.as_u16(), 200);
    let mut odd = server.request(Method::GET, MAPPINGS, "");
    odd.headers_mut().insert(
        "authorization",
        "AWS4-HMAC-SHA256 nonsense".parse().unwrap(),
    );
    let answer = server.send(odd).await;
    assert_eq!(
        (answer.status.as_u16(), answer.error()),
        (403, "IncompleteSignatureException")
    );
    server.stop().await;
}

#[tokio::test]
async fn a_signed_request_that_was_changed_on_the_way_is_refused() {
    let server = Server::with(sigv4(), ApiLimits::default()).await;
    let signed = || RIGHT.sign(&server, Method::POST, MAPPINGS, "{\"BatchSize\":1}");
    let mut body = signed();
    *body.body_mut() = Full::new(Bytes::from("{\"BatchSize\":2}"));
    let mut path = signed();
    *path.uri_mut() = format!("http://{}/status", server.address).parse().unwrap();
    let mut query = signed();
    *query.uri_mut() = format!("http://{}{MAPPINGS}?a=b", server.address)
        .parse()
        .unwrap();
    let mut method = signed();
    *method.method_mut() = Method::GET;
    let mut header = signed();
    header
        .headers_mut()
        .insert("x-amz-meta", "three words more".parse().unwrap());
    let mut unsigned = signed();
    unsigned
        .headers_mut()
        .insert("x-amz-content-sha256", "UNSIGNED-PAYLOAD".parse().unwrap());
    for request in [body, path, query, method, header, unsigned] {
        let shown = format!("{} {}", request.method(), request.uri());
        let answer = server.send(request).await;
        let refused = (403, "InvalidSignatureException");
        assert_eq!((answer.status.as_u16(), answer.error()), refused, "{shown}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_token_opens_the_door_and_nothing_else_does() {
    let server = Server::with(Auth::bearer("a-token"), ApiLimits::default()).await;
    let ask = async |header: Option<&str>| {
        let mut request = server.request(Method::GET, MAPPINGS, "");
        if let Some(header) = header {
            request
                .headers_mut()
                .insert("authorization", header.parse().unwrap());
        }
        let answer = server.send(request).await;
        (answer.status.as_u16(), answer.error().to_owned())
    };
    for good in ["Bearer a-token", "bearer a-token"] {
        assert_eq!(ask(Some(good)).await.0, 200);
    }
    for (bad, status, error) in [
        (None, 401, "MissingAuthenticationTokenException"),
        (
            Some("Basic a-token"),
            401,
            "MissingAuthenticationTokenException",
        ),
        (Some("Bearer a-toke"), 403, "UnrecognizedClientException"),
        (Some("Bearer "), 401, "MissingAuthenticationTokenException"),
        (Some("Bearer a-token2"), 403, "UnrecognizedClientException"),
    ] {
        assert_eq!(ask(bad).await, (status, error.to_owned()), "{bad:?}");
    }
    assert_eq!(server.get("/healthz").await.status.as_u16(), 200);
    server.stop().await;
}

#[tokio::test]
async fn a_plus_in_a_signed_query_is_not_taken_for_another_character() {
    let server = Server::with(sigv4(), ApiLimits::default()).await;
    let body = mapping(json!({ "Tags": { "a+b": "1", "a b": "2" } })).to_string();
    let created = server
        .send(RIGHT.sign(&server, Method::POST, MAPPINGS, &body))
        .await;
    let arn = created.json()["EventSourceMappingArn"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/2017-03-31/tags/{arn}");
    let tags = async || {
        let answer = server
            .send(RIGHT.sign(&server, Method::GET, &path, ""))
            .await;
        answer.json()["Tags"].clone()
    };
    let plus = || {
        RIGHT.sign(
            &server,
            Method::DELETE,
            &format!("{path}?tagKeys=a%2Bb"),
            "",
        )
    };
    let mut blank = plus();
    *blank.uri_mut() = format!("http://{}{path}?tagKeys=a+b", server.address)
        .parse()
        .unwrap();
    let answer = server.send(blank).await;
    assert_eq!(
        (answer.status.as_u16(), answer.error()),
        (403, "InvalidSignatureException")
    );
    assert_eq!(tags().await, json!({ "a+b": "1", "a b": "2" }));
    assert_eq!(server.send(plus()).await.status.as_u16(), 204);
    assert_eq!(tags().await, json!({ "a b": "2" }));
    let blank = RIGHT.sign(
        &server,
        Method::DELETE,
        &format!("{path}?tagKeys=a%20b"),
        "",
    );
    assert_eq!(server.send(blank).await.status.as_u16(), 204);
    assert_eq!(tags().await, json!({}));
    server.stop().await;
}

#[tokio::test]
async fn an_open_listener_without_authentication_is_refused() {
    let server = Server::start().await;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    // What the options claim does not help.
    let options = ApiOptions::new("127.0.0.1:1".parse().unwrap());
    let refused = serve(
        server.engine.clone(),
        listener,
        options,
        std::future::pending(),
    )
    .await;
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("api.auth is not set"), "{error}");
    server.stop().await;
}
