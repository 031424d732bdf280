//! The life of a mapping, led by boto3. Needs a Python that has it, named by `LAMBDA_ESM_TEST_PYTHON`;
//! the tests say so and pass without one.

use std::process::Stdio;

use lambda_esm_api::{ApiLimits, Auth};
use tokio::process::Command;

use crate::support::{Server, sigv4};

async fn life(auth: Auth, secret: &str) -> Option<(bool, String)> {
    let Ok(python) = std::env::var("LAMBDA_ESM_TEST_PYTHON") else {
        eprintln!("skipped: LAMBDA_ESM_TEST_PYTHON does not name a Python that has boto3");
        return None;
    };
    let server = Server::with(auth, ApiLimits::default()).await;
    let output = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/life.py"))
        .arg(format!("http://{}", server.address))
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", secret)
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    server.stop().await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    Some((output.status.success(), text))
}

#[tokio::test]
async fn boto3_leads_a_mapping_through_its_life() {
    if let Some((good, text)) = life(Auth::None, "anything").await {
        assert!(good, "{text}");
    }
}

#[tokio::test]
async fn boto3_signs_as_the_server_verifies() {
    if let Some((good, text)) = life(sigv4(), "secret").await {
        assert!(good, "{text}");
    }
    if let Some((good, text)) = life(sigv4(), "another").await {
        assert!(
            !good && text.contains("InvalidSignatureException"),
            "{text}"
        );
    }
}
