//! AWS Glue against servers that answer all there is to answer.

use lambda_esm_aws::{AwsConfig, GlueApi};
use lambda_esm_core::mapping::Arn;

use crate::fake::{Fake, Reply, reply};

fn api(url: &str) -> GlueApi {
    let mut config = AwsConfig::default();
    let services = &mut config.endpoints.services;
    services.insert("glue".to_owned(), url.parse().unwrap());
    let registry = Arn::parse("arn:aws:glue:eu-west-1:000000000000:registry/orders").unwrap();
    GlueApi::new(&config, &registry).unwrap()
}

#[tokio::test]
async fn a_call_of_glue_is_a_signed_post_of_json() {
    let fake = Fake::start([reply(200, &[], r#"{"a":1}"#)]).await;
    let request = r#"{"SchemaVersionId":"x"}"#;
    let answer = api(&fake.url)
        .call("GetSchemaVersion", request.to_owned())
        .await;
    assert_eq!(answer, Ok((200, r#"{"a":1}"#.into())));
    let seen = fake.seen().remove(0);
    assert_eq!(seen.line, "POST / HTTP/1.1");
    assert_eq!(seen.body, request.as_bytes());
    let header = |name| seen.header(name).unwrap();
    assert_eq!(header("x-amz-target"), "AWSGlue.GetSchemaVersion");
    assert_eq!(header("content-type"), "application/x-amz-json-1.1");
    let authorization = header("authorization");
    assert!(
        authorization.contains("/eu-west-1/glue/aws4_request"),
        "{authorization}"
    );
}

#[tokio::test]
async fn a_refusal_of_glue_is_an_answer() {
    let body = r#"{"__type":"EntityNotFoundException"}"#;
    let fake = Fake::start([reply(400, &[], body)]).await;
    let answer = api(&fake.url)
        .call("GetSchemaVersion", "{}".to_owned())
        .await;
    assert_eq!(answer, Ok((400, body.into())));
}

#[tokio::test]
async fn glue_that_does_not_answer_is_named_and_not_asked_twice() {
    let fake = Fake::start([Reply::Hangup]).await;
    let error = api(&fake.url)
        .call("GetSchemaVersion", "{}".to_owned())
        .await
        .unwrap_err();
    assert!(
        error.starts_with(&format!("cannot reach AWS Glue at {}", fake.url)),
        "{error}"
    );
    assert_eq!(fake.seen().len(), 1);
}
