//! A browser must not carry another site's requests to the API.

use http::Method;
use lambda_esm_api::{ApiLimits, Auth};
use serde_json::json;

use crate::limits::exchange;
use crate::support::{MAPPINGS, Server, mapping, sigv4};

/// What a browser sends with the simple request of a page, and what becomes of it.
struct Row {
    headers: &'static [(&'static str, &'static str)],
    /// For an API without authentication.
    open: u16,
    /// For one with a token, which is sent.
    token: u16,
}

const fn row(headers: &'static [(&'static str, &'static str)], open: u16, token: u16) -> Row {
    Row {
        headers,
        open,
        token,
    }
}

/// `OWN` stands for the address of the API.
const ROWS: &[Row] = &[
    // SDKs, the AWS CLI and curl.
    row(&[], 202, 202),
    row(&[("host", "localhost:8000")], 202, 202),
    // The API's own address, and what somebody typed.
    row(&[("origin", "http://OWN")], 202, 202),
    row(
        &[("origin", "http://OWN"), ("sec-fetch-site", "same-origin")],
        202,
        202,
    ),
    row(&[("sec-fetch-site", "none")], 202, 202),
    row(
        &[
            ("host", "localhost:8000"),
            ("origin", "http://localhost:8000"),
        ],
        202,
        202,
    ),
    // Pages of other sites, of other ports of this machine, and of no site.
    row(&[("origin", "https://example.com")], 403, 403),
    row(&[("origin", "http://localhost:3000")], 403, 403),
    row(&[("origin", "http://127.0.0.1:3000")], 403, 403),
    row(&[("origin", "http://127.0.0.1")], 403, 403),
    row(&[("origin", "null")], 403, 403),
    row(&[("origin", "")], 403, 403),
    row(&[("origin", "http://OWN/")], 403, 403),
    row(
        &[("origin", "http://OWN"), ("sec-fetch-site", "cross-site")],
        403,
        403,
    ),
    row(&[("sec-fetch-site", "cross-site")], 403, 403),
    row(&[("sec-fetch-site", "same-site")], 403, 403),
    row(&[("sec-fetch-site", "")], 403, 403),
    // A name that resolves to this machine by now.
    row(&[("host", "rebound.example.com:80")], 403, 202),
    row(
        &[
            ("host", "rebound.example.com"),
            ("origin", "http://rebound.example.com"),
        ],
        403,
        202,
    ),
    // A proxy that speaks TLS before it, and one that changes the Host.
    row(
        &[
            ("host", "esm.example.com"),
            ("origin", "https://esm.example.com"),
        ],
        403,
        202,
    ),
    row(
        &[
            ("origin", "https://esm.example.com"),
            ("sec-fetch-site", "same-origin"),
        ],
        403,
        202,
    ),
    row(&[("origin", "https://OWN")], 403, 202),
];

#[tokio::test]
async fn a_page_makes_no_mapping_unless_it_is_of_the_apis_own_address() {
    for authenticated in [false, true] {
        let auth = if authenticated {
            Auth::bearer("a-token")
        } else {
            Auth::None
        };
        let server = Server::with(auth, ApiLimits::default()).await;
        let mut made = 0;
        for row in ROWS {
            // What a page may send without asking first.
            let source = format!("arn:aws:sqs:us-east-1:000000000000:queue-{made}");
            let body = mapping(json!({ "EventSourceArn": source })).to_string();
            let mut request = server.request(Method::POST, MAPPINGS, body);
            let headers = request.headers_mut();
            headers.insert("content-type", "text/plain".parse().unwrap());
            headers.insert("authorization", "Bearer a-token".parse().unwrap());
            for (name, value) in row.headers {
                let value = value.replace("OWN", &server.address.to_string());
                headers.insert(*name, value.parse().unwrap());
            }
            let answer = server.send(request).await;
            let expected = if authenticated { row.token } else { row.open };
            assert_eq!(
                answer.status.as_u16(),
                expected,
                "{:?}: {answer:?}",
                row.headers
            );
            if expected == 403 {
                assert_eq!(answer.error(), "AccessDeniedException");
            } else {
                made += 1;
            }
            let allowed = answer
                .headers
                .keys()
                .any(|name| name.as_str().starts_with("access-"));
            assert!(!allowed, "a page may read: {answer:?}");
        }
        assert_eq!(server.engine.list().len(), made);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_page_that_asks_whether_it_may_is_told_nothing() {
    for auth in [Auth::None, sigv4()] {
        let server = Server::with(auth, ApiLimits::default()).await;
        for path in [MAPPINGS, "/status", "/healthz"] {
            let mut request = server.request(Method::OPTIONS, path, "");
            let headers = request.headers_mut();
            headers.insert("origin", "http://localhost:3000".parse().unwrap());
            headers.insert("access-control-request-method", "PUT".parse().unwrap());
            let answer = server.send(request).await;
            assert!(answer.status.is_client_error(), "{answer:?}");
            let allowed = answer
                .headers
                .keys()
                .any(|name| name.as_str().starts_with("access-"));
            assert!(!allowed, "{answer:?}");
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn a_request_that_names_more_than_one_address_is_400() {
    let server = Server::start().await;
    let own = server.address;
    for (lines, status) in [
        (format!("GET /status HTTP/1.1\r\nhost: {own}"), 200),
        (
            format!("GET http://{own}/status HTTP/1.1\r\nhost: {own}"),
            200,
        ),
        ("GET /status HTTP/1.0".to_owned(), 200),
        ("GET /status HTTP/1.1".to_owned(), 400),
        (
            format!("GET /status HTTP/1.1\r\nhost: {own}\r\nhost: {own}"),
            400,
        ),
        (
            format!("GET /healthz HTTP/1.1\r\nhost: {own}\r\nHost: example.com"),
            400,
        ),
        (
            format!("GET /status HTTP/1.1\r\nhost: {own}\r\norigin: http://{own}\r\norigin: null"),
            400,
        ),
        (
            format!("GET http://example.com/status HTTP/1.1\r\nhost: {own}"),
            400,
        ),
        (
            format!("GET http://{own}/status HTTP/1.1\r\nhost: example.com"),
            400,
        ),
        (
            format!("GET https://{own}/status HTTP/1.1\r\nhost: {own}"),
            400,
        ),
        (
            format!("GET http://example.com/healthz HTTP/1.1\r\nhost: {own}"),
            400,
        ),
        ("GET http://example.com/status HTTP/1.0".to_owned(), 403),
        (
            format!("CONNECT example.com:80 HTTP/1.1\r\nhost: {own}"),
            400,
        ),
        (format!("GET /status HTTP/1.1\r\nhost: {own}, {own}"), 403),
        (format!("GET /status HTTP/1.1\r\nhost: user@{own}"), 400),
        ("GET /status HTTP/1.1\r\nhost:".to_owned(), 403),
    ] {
        let request = format!("{lines}\r\nconnection: close\r\n\r\n");
        let answer = exchange(&server, request.as_bytes()).await;
        let line = answer.lines().next().unwrap_or_default().to_owned();
        assert_eq!(
            line.split(' ').nth(1),
            Some(&*status.to_string()),
            "{lines}: {line}"
        );
    }
    server.stop().await;
}
