//! What the AWS identity gives Kafka clients.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use lambda_esm_aws::{AwsConfig, AwsProcessIdentity};
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::mapping::Arn;
use lambda_esm_engine::Clock;
use lambda_esm_engine::aws_identity::AwsIdentity;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::fake::{Fake, Reply, reply};

const CLUSTER: &str = "arn:aws:kafka:eu-west-1:000000000000:cluster/orders/1-2";

fn at(url: &str) -> AwsProcessIdentity {
    let mut config = AwsConfig::default();
    config.endpoints.aws = Some(url.parse().unwrap());
    AwsProcessIdentity::new(config)
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the signature of a presigned URL (AWS IAM user guide, "Signature Version 4").
fn signature(host: &str, query: &BTreeMap<&str, &str>, secret: &str, region: &str) -> String {
    let signed = query.iter().filter(|(name, _)| **name != "X-Amz-Signature");
    let signed: Vec<_> = signed
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let empty = hex(&Sha256::digest(b""));
    let canonical = format!("GET\n/\n{}\nhost:{host}\n\nhost\n{empty}", signed.join("&"));
    let (time, day) = (query["X-Amz-Date"], &query["X-Amz-Date"][..8]);
    let scope = format!("{day}/{region}/kafka-cluster/aws4_request");
    let digest = hex(&Sha256::digest(canonical.as_bytes()));
    let mut key = hmac(format!("AWS4{secret}").as_bytes(), day);
    for part in [region, "kafka-cluster", "aws4_request"] {
        key = hmac(&key, part);
    }
    hex(&hmac(
        &key,
        &format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}"),
    ))
}

#[tokio::test]
async fn a_token_for_msk_is_a_signed_url_of_the_action_connect() {
    let identity = at("http://127.0.0.1:1");
    for (region, expected) in [(Some("eu-west-1"), "eu-west-1"), (None, "us-east-1")] {
        let before = Clock::system().wall();
        let token = identity.msk_token(region, true).await.unwrap();
        let url = URL_SAFE_NO_PAD.decode(&token.text).unwrap();
        let url = String::from_utf8(url).unwrap();
        let host = format!("kafka.{expected}.amazonaws.com");
        let rest = url.strip_prefix(&format!("https://{host}/?")).unwrap();
        let (signed, agent) = rest.rsplit_once("&User-Agent=").unwrap();
        assert!(agent.starts_with("lambda-esm%2F"), "{agent}");
        let query = signed
            .split('&')
            .map(|field| field.split_once('=').unwrap());
        let query: BTreeMap<&str, &str> = query.collect();
        assert_eq!(query["Action"], "kafka-cluster%3AConnect");
        assert_eq!(query["X-Amz-Algorithm"], "AWS4-HMAC-SHA256");
        assert_eq!(query["X-Amz-Expires"], "900");
        assert_eq!(query["X-Amz-SignedHeaders"], "host");
        let scope = format!("%2F{expected}%2Fkafka-cluster%2Faws4_request");
        assert!(query["X-Amz-Credential"].ends_with(&scope), "{url}");
        let secret = std::env::var("AWS_SECRET_ACCESS_KEY");
        let secret = secret.unwrap_or_else(|_| "test".to_owned());
        let right = signature(&host, &query, &secret, expected);
        assert_eq!(query["X-Amz-Signature"], right);
        let life = token.expires.since(before);
        let (least, most) = (Duration::from_secs(899), Duration::from_secs(910));
        assert!(life > least && life < most, "{life:?}");
        assert!(!format!("{token:?}").contains(&token.text));
    }
}

#[tokio::test]
async fn sts_gives_tokens_for_an_audience() {
    let answer = "<GetWebIdentityTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                  <GetWebIdentityTokenResult><WebIdentityToken>a.b.c</WebIdentityToken>\
                  <Expiration>2033-05-18T03:33:20Z</Expiration></GetWebIdentityTokenResult>\
                  </GetWebIdentityTokenResponse>";
    let server = Fake::start([reply(200, &[], answer)]).await;
    let token = at(&server.url)
        .web_identity_token("https://kafka")
        .await
        .unwrap();
    assert_eq!(token.text, "a.b.c");
    assert_eq!(token.expires, Timestamp(2_000_000_000_000));
    let seen = server.seen().remove(0);
    let body = String::from_utf8(seen.body.clone()).unwrap();
    assert!(body.contains("Action=GetWebIdentityToken"), "{body}");
    assert!(
        body.contains("Audience.member.1=https%3A%2F%2Fkafka"),
        "{body}"
    );
    assert!(body.contains("SigningAlgorithm=RS256"), "{body}");
    let refused = "<ErrorResponse><Error><Code>OutboundWebIdentityFederationDisabled</Code>\
                   <Message>off</Message></Error></ErrorResponse>";
    let server = Fake::start([reply(403, &[], refused)]).await;
    let error = at(&server.url)
        .web_identity_token("kafka")
        .await
        .unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Denied);
}

#[tokio::test]
async fn the_brokers_of_a_cluster_are_asked_for_by_its_arn() {
    let answer = json!({"bootstrapBrokerString": "h:9092", "bootstrapBrokerStringSaslIam": "h:9098", "other": 1});
    let server = Fake::start([reply(200, &[], answer.to_string())]).await;
    let cluster = Arn::parse(CLUSTER).unwrap();
    let brokers = at(&server.url).bootstrap_brokers(&cluster).await.unwrap();
    let expected = [
        ("BootstrapBrokerString", "h:9092"),
        ("BootstrapBrokerStringSaslIam", "h:9098"),
    ];
    let expected = expected.map(|(name, servers)| (name.to_owned(), servers.to_owned()));
    assert_eq!(brokers, BTreeMap::from(expected));
    let seen = server.seen().remove(0);
    let path = "/v1/clusters/arn%3Aaws%3Akafka%3Aeu-west-1%3A000000000000%3Acluster%2Forders%2F1-2/bootstrap-brokers";
    assert_eq!(seen.line, format!("GET {path} HTTP/1.1"));
    let signature = seen.header("authorization").unwrap();
    assert!(
        signature.contains("/eu-west-1/kafka/aws4_request"),
        "{signature}"
    );
}

#[tokio::test]
async fn brokers_that_nobody_tells_are_an_error_that_names_the_cluster() {
    let error = |status, code: &'static str| {
        let header = [("x-amzn-errortype", code)];
        reply(status, &header, json!({"message": "as it is"}).to_string())
    };
    let cases = [
        (
            error(404, "NotFoundException:http://x"),
            SourceErrorKind::NotFound,
        ),
        (error(403, "ForbiddenException"), SourceErrorKind::Denied),
        (error(401, "UnauthorizedException"), SourceErrorKind::Denied),
        (
            error(429, "TooManyRequestsException"),
            SourceErrorKind::Throttled,
        ),
        (
            error(503, "ServiceUnavailableException"),
            SourceErrorKind::Transient,
        ),
        (error(400, "BadRequestException"), SourceErrorKind::Fatal),
        (reply(200, &[], "<html>"), SourceErrorKind::Fatal),
        (
            reply(200, &[], "x".repeat(300 * 1024)),
            SourceErrorKind::Transient,
        ),
        (Reply::Hangup, SourceErrorKind::Transient),
    ];
    let cluster = Arn::parse(CLUSTER).unwrap();
    for (answer, kind) in cases {
        let server = Fake::start([answer.clone()]).await;
        let error = at(&server.url).bootstrap_brokers(&cluster).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains("Amazon MSK"), "{error}");
    }
}
