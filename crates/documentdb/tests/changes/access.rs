//! Users, passwords, rights and certificates.

use std::process::Command;

use lambda_esm_core::fault::{ReasonCode, SourceErrorKind};
use lambda_esm_engine::ports::{FetchRequest, ShardId, Start, StreamSource};
use mongodb::bson::doc;
use serde_json::json;

use crate::server::Server;
use crate::stage::{SECRET, Stage, ids};

/// Returns a server that asks who one is, with a user who may read one database, and a stage for that.
async fn guarded() -> Option<(Server, Stage)> {
    let mut server = Server::start(&[]).await?;
    let stage = Stage::on(&server).await;
    stage.insert(0..3).await;
    let admin = server.client().await.database("admin");
    let roles = |database: &str| doc! {"role": "read", "db": database};
    for (name, database) in [("reader", stage.name.as_str()), ("stranger", "elsewhere")] {
        let user = doc! {"createUser": name, "pwd": "s3cret", "roles": [roles(database)]};
        admin.run_command(user).await.unwrap();
    }
    server.kill();
    server.start_again(&["--auth"]).await;
    stage.secrets.remove(SECRET);
    Some((server, stage))
}

fn login(stage: &Stage, user: &str, password: &str) {
    let secret = json!({"username": user, "password": password}).to_string();
    stage.secrets.put(SECRET, &secret).unwrap();
}

#[tokio::test]
async fn a_user_who_may_read_reads_and_the_password_is_looked_up_again() {
    let Some((_server, stage)) = guarded().await else {
        return;
    };
    login(&stage, "reader", "wrong");
    let run = stage.run(&json!({})).await;
    let problem = run.problem("uthentication").await;
    assert!(!problem.contains("wrong"), "{problem}");
    login(&stage, "reader", "s3cret");
    assert_eq!(ids(&run.changes(3).await), [0, 1, 2]);
    run.engine.shutdown().await;
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why() {
    let Some((_server, stage)) = guarded().await else {
        return;
    };
    let stream = stage.stream(&json!({}));
    let missing = stream.list().await.unwrap_err();
    assert_eq!(missing.kind, SourceErrorKind::Denied);
    assert_eq!(missing.reason, Some(ReasonCode::Authentication));
    for (secret, text) in [
        ("[]", "must be a JSON object"),
        (r#"{"username":"reader"}"#, "member password is missing"),
    ] {
        stage.secrets.put(SECRET, secret).unwrap();
        let error = stream.list().await.unwrap_err();
        assert!(error.message.contains(text), "{error}");
        assert_eq!(error.reason, Some(ReasonCode::Authentication));
    }
    for (user, password) in [("reader", "wrong"), ("nobody", "s3cret")] {
        login(&stage, user, password);
        let error = stream.list().await.unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Denied, "{error}");
        assert_eq!(error.reason, Some(ReasonCode::Authentication), "{error}");
        assert!(!error.message.contains(password), "{error}");
    }
    login(&stage, "stranger", "s3cret");
    let error = stream.list().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Denied, "{error}");
    assert_eq!(error.reason, Some(ReasonCode::Authorization), "{error}");
}

#[tokio::test]
async fn the_oldest_change_is_found_by_who_may_not_read_the_log() {
    let Some((_server, stage)) = guarded().await else {
        return;
    };
    login(&stage, "reader", "s3cret");
    let stream = stage.stream(&json!({}));
    let shard = ShardId::new("changes");
    let cursor = stream.open(&shard, &Start::TrimHorizon).await.unwrap();
    let page = stream
        .fetch(FetchRequest::new(shard, cursor, 10))
        .await
        .unwrap();
    assert_eq!(page.records.len(), 3);
}

/// Makes a certificate of 127.0.0.1 and its key, and returns their files.
fn certificate(stage: &std::path::Path, name: &str) -> (String, String) {
    let file = |end: &str| stage.join(format!("{name}.{end}")).display().to_string();
    let (certificate, key) = (file("pem"), file("key"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            &format!("/CN={name}"),
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ])
        .args([
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    (certificate, key)
}

#[tokio::test]
async fn a_server_is_trusted_by_its_certificate_authority_alone() {
    let Some(mut server) = Server::start(&[]).await else {
        return;
    };
    let mut stage = Stage::on(&server).await;
    let folder = server.folder().to_owned();
    let (own, key) = certificate(&folder, "own");
    let (other, _) = certificate(&folder, "other");
    server.kill();
    server
        .start_again(&["--tls-cert-file", &own, "--tls-key-file", &key])
        .await;

    stage.url.push_str("&tls=true");
    let list = async |stage: &mut Stage, function: &str, root_ca: &str| {
        stage.root_ca = Some(std::fs::read_to_string(root_ca).unwrap());
        let stream = stage.stream(&json!({"FunctionName": function}));
        stream.list().await
    };
    list(&mut stage, "trusting", &own).await.unwrap();

    let error = list(&mut stage, "wary", &other).await.unwrap_err();
    assert!(
        error.message.contains("certificate is not trusted"),
        "{error}"
    );
    assert_eq!(error.reason, Some(ReasonCode::Authentication));

    let error = list(&mut stage, "wrong", &key).await.unwrap_err();
    assert!(
        error.message.contains("must be X.509 certificates"),
        "{error}"
    );
    assert_eq!(error.reason, Some(ReasonCode::ConfigNotValid));
}

#[tokio::test]
async fn a_server_that_is_away_is_told_within_ten_seconds_and_read_when_it_is_back() {
    let Some(mut server) = Server::start(&[]).await else {
        return;
    };
    let stage = Stage::on(&server).await;
    stage.insert(0..1).await;
    server.kill();
    let begun = tokio::time::Instant::now();
    let run = stage.run(&json!({})).await;
    run.problem("cannot reach 127.0.0.1").await;
    let took = begun.elapsed().as_secs();
    assert!(took < 10, "{took} s");
    server.start_again(&[]).await;
    assert_eq!(ids(&run.changes(1).await), [0]);
    run.status(|status| status.problem.is_none()).await;
    run.engine.shutdown().await;
}
