//! Which credentials requests are signed with. Each check runs in a process with an environment of its
//! own, since that is where the standard chain looks.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::fake::{Fake, Seen, reply};
use bytes::Bytes;
use lambda_esm_aws::{AwsConfig, LambdaApi, LambdaOptions, SqsProvider};
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_engine::ports::{InvokeBackend, InvokeRequest, QueueSource};

const CHILD: &str = "LAMBDA_ESM_TEST_CHILD";

fn is_child(test: &str, variables: &[(&str, &str)]) -> bool {
    runs_again("credentials", test, variables)
}

/// Runs the test named `test` of a module again, in a process whose environment holds only `variables`; tells
/// whether this is that process.
pub(crate) fn runs_again(module: &str, test: &str, variables: &[(&str, &str)]) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([&format!("{module}::{test}"), "--exact", "--nocapture"])
        .env_clear()
        .env(CHILD, "1")
        .env("HOME", "/nonexistent")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("1 passed"), "no such test: {text}");
    false
}

pub(crate) fn at(url: Option<&str>) -> AwsConfig {
    let mut config = AwsConfig::default();
    config.endpoints.aws = url.map(|url| url.parse().unwrap());
    config
}

pub(crate) async fn invoke(url: Option<&str>) -> Result<Bytes, InvokeError> {
    let api = LambdaApi::new(&at(url), LambdaOptions::default()).unwrap();
    let function = Arc::new(FunctionRef::parse("orders").unwrap());
    api.invoke(InvokeRequest::new(function, Bytes::from_static(b"{}")))
        .await
        .map(|answer| answer.payload)
}

pub(crate) async fn look_up(url: Option<&str>) -> Result<(), SourceError> {
    let provider = SqsProvider::new(at(url));
    let queue = provider
        .open("arn:aws:sqs:us-east-1:000000000000:orders")
        .await
        .unwrap();
    queue.describe().await.map(drop)
}

/// Makes one request to Lambda and one to SQS.
async fn requests() -> [Seen; 2] {
    let fake = Fake::start([reply(200, &[], "{}")]).await;
    invoke(Some(&fake.url)).await.unwrap();
    look_up(Some(&fake.url)).await.unwrap_err();
    fake.seen().try_into().unwrap()
}

#[tokio::test]
async fn an_endpoint_on_this_machine_needs_no_credentials_and_no_metadata_service() {
    let metadata = Fake::start([reply(200, &[], "{}")]).await;
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url.as_str())];
    let test = "an_endpoint_on_this_machine_needs_no_credentials_and_no_metadata_service";
    if is_child(test, &variables) {
        for seen in requests().await {
            let authorization = seen.header("authorization").unwrap();
            assert!(
                authorization.contains("Credential=test/"),
                "{authorization}"
            );
        }
    } else {
        assert!(metadata.seen().is_empty(), "{:?}", metadata.seen());
    }
}

/// Profiles that have their credentials from somewhere else, and some that are broken.
const PROFILES: &str = "\
[profile sso]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = admin
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = us-east-1
[profile old-sso]
sso_start_url = https://corp.awsapps.com/start
sso_region = us-east-1
sso_account_id = 111122223333
sso_role_name = admin
[profile process]
credential_process = touch MARK
[profile login]
login_session = arn:aws:iam::111122223333:user/me
[profile role]
role_arn = arn:aws:iam::111122223333:role/r
source_profile = keys
[profile keys]
aws_access_key_id = AKIDPROFILE
aws_secret_access_key = x
[profile instance]
role_arn = arn:aws:iam::111122223333:role/r
credential_source = Ec2InstanceMetadata
[profile token]
role_arn = arn:aws:iam::111122223333:role/r
web_identity_token_file = /nonexistent/token
[profile half]
aws_access_key_id = AKIDHALF
[profile circle]
role_arn = arn:aws:iam::111122223333:role/r
source_profile = circle
";

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_for_aws_is_called_without_asking_anybody_for_credentials() {
    let test = "what_stands_in_for_aws_is_called_without_asking_anybody_for_credentials";
    if std::env::var_os(CHILD).is_some() {
        let expected = std::env::var("EXPECTED").unwrap();
        let time = tokio::time::Instant::now();
        for seen in requests().await {
            let authorization = seen.header("authorization").unwrap();
            let credential = format!("Credential={expected}/");
            assert!(authorization.contains(&credential), "{authorization}");
        }
        assert!(time.elapsed() < Duration::from_secs(2), "{time:?}");
        return;
    }
    let elsewhere = Fake::start([reply(200, &[], "{}")]).await;
    let folder = std::env::temp_dir().join(format!("lambda-esm-profiles-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (file, mark, broken) = (
        folder.join("config"),
        folder.join("mark"),
        folder.join("broken"),
    );
    let (file, mark, broken) = [&file, &mark, &broken]
        .map(|path| path.to_str().unwrap())
        .into();
    std::fs::write(file, PROFILES.replace("MARK", mark)).unwrap();
    std::fs::write(broken, "[profile broken\nregion").unwrap();
    let common = [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", elsewhere.url.as_str()),
        ("AWS_ENDPOINT_URL_STS", &elsewhere.url),
        ("AWS_ENDPOINT_URL_SSO", &elsewhere.url),
    ];
    let names = "sso old-sso process login role keys instance token half circle nonexistent";
    let mut cases: Vec<(&str, Vec<(&str, &str)>)> = names
        .split(' ')
        .map(|name| {
            let expected = if name == "keys" {
                "AKIDPROFILE"
            } else {
                "test"
            };
            (
                expected,
                vec![("AWS_PROFILE", name), ("AWS_CONFIG_FILE", file)],
            )
        })
        .collect();
    cases.push((
        "test",
        vec![("AWS_CONFIG_FILE", broken), ("AWS_PROFILE", "broken")],
    ));
    cases.push(("test", vec![("AWS_ACCESS_KEY_ID", "AKIDHALF")]));
    let url = format!("{}/credentials", elsewhere.url);
    cases.push(("test", vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url)]));
    cases.push((
        "test",
        vec![
            ("AWS_WEB_IDENTITY_TOKEN_FILE", file),
            ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/r"),
        ],
    ));
    for (expected, variables) in cases {
        let variables = [&common[..], &variables, &[("EXPECTED", expected)]].concat();
        is_child(test, &variables);
    }
    assert!(elsewhere.seen().is_empty(), "{:?}", elsewhere.seen());
    assert!(!std::path::Path::new(mark).exists(), "the process ran");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn the_environment_comes_first() {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalr"),
        ("AWS_SESSION_TOKEN", "session"),
    ];
    if is_child("the_environment_comes_first", &variables) {
        for seen in requests().await {
            let authorization = seen.header("authorization").unwrap();
            assert!(
                authorization.contains("Credential=AKIDEXAMPLE/"),
                "{authorization}"
            );
            assert_eq!(seen.header("x-amz-security-token"), Some("session"));
        }
    }
}

#[tokio::test]
async fn a_profile_is_read() {
    let file = std::env::temp_dir().join(format!("lambda-esm-profile-{}", std::process::id()));
    let text = "[stock]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = x\n";
    std::fs::write(&file, text).unwrap();
    let variables = [
        ("AWS_PROFILE", "stock"),
        ("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap()),
    ];
    if is_child("a_profile_is_read", &variables) {
        for seen in requests().await {
            let authorization = seen.header("authorization").unwrap();
            assert!(
                authorization.contains("Credential=AKIDPROFILE/"),
                "{authorization}"
            );
        }
    }
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn refused_credentials_are_looked_up_again() {
    let file = std::env::temp_dir().join(format!("lambda-esm-rotated-{}", std::process::id()));
    let write = |path: &std::path::Path, key: &str| {
        let text = format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = x\n");
        std::fs::write(path, text).unwrap();
    };
    write(&file, "AKIDOLD");
    let variables = [("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap())];
    if is_child("refused_credentials_are_looked_up_again", &variables) {
        let profile = std::env::var("AWS_SHARED_CREDENTIALS_FILE").unwrap();
        let fake = Fake::start([reply(403, &[], ""), reply(200, &[], "{}")]).await;
        let api = LambdaApi::new(&at(Some(&fake.url)), LambdaOptions::default()).unwrap();
        let function = Arc::new(FunctionRef::parse("orders").unwrap());
        let request = InvokeRequest::new(function, Bytes::from_static(b"{}"));
        let error = api.invoke(request.clone()).await.unwrap_err();
        let (status, may_pass) = (403, true);
        assert_eq!(error.kind, InvokeErrorKind::refused(status, may_pass));
        write(std::path::Path::new(&profile), "AKIDNEW");
        api.invoke(request).await.unwrap();
        let seen = fake.seen();
        for (seen, key) in seen.iter().zip(["AKIDOLD", "AKIDNEW"]) {
            let authorization = seen.header("authorization").unwrap();
            assert!(
                authorization.contains(&format!("Credential={key}/")),
                "{authorization}"
            );
        }
        assert_eq!(seen.len(), 2);
    }
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn aws_itself_is_never_asked_without_credentials() {
    let variables = [("AWS_EC2_METADATA_DISABLED", "true")];
    if is_child("aws_itself_is_never_asked_without_credentials", &variables) {
        let limit = Duration::from_secs(30);
        let invoked = tokio::time::timeout(limit, invoke(None))
            .await
            .unwrap()
            .unwrap_err();
        assert_eq!(invoked.kind, InvokeErrorKind::Denied, "{invoked}");
        let looked = tokio::time::timeout(limit, look_up(None))
            .await
            .unwrap()
            .unwrap_err();
        assert_eq!(looked.kind, SourceErrorKind::Denied, "{looked}");
        for message in [invoked.message, looked.message] {
            assert!(message.contains("needs AWS credentials"), "{message}");
            assert!(message.contains("AWS_ACCESS_KEY_ID"), "{message}");
            assert!(message.contains("orders"), "{message}");
        }
    }
}

#[tokio::test]
async fn a_search_for_credentials_that_does_not_end_is_told_of() {
    let test = "a_search_for_credentials_that_does_not_end_is_told_of";
    let file = std::env::temp_dir().join(format!("lambda-esm-slow-{}", std::process::id()));
    std::fs::write(&file, "[default]\ncredential_process = sleep 3\n").unwrap();
    let variables = [
        ("AWS_CONFIG_FILE", file.to_str().unwrap()),
        ("PATH", "/usr/bin:/bin"),
    ];
    if is_child(test, &variables) {
        // Time flies while nobody but the process is busy.
        tokio::time::pause();
        let looked = look_up(None).await.unwrap_err();
        let invoked = invoke(None).await.unwrap_err();
        for message in [looked.message, invoked.message] {
            let why = "needs AWS credentials";
            assert!(message.contains(why), "{message}");
            assert!(message.contains("did not answer in time"), "{message}");
        }
    }
    std::fs::remove_file(&file).unwrap();
}
