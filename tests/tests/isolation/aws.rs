//! For AWS itself, credentials are looked for wherever the AWS CLI looks.

use std::time::Duration;

use lambda_esm_tests::{Daemon, until};
use serde_json::json;

use super::namespace;
use super::profiles;
use super::traps::Traps;

#[tokio::test]
async fn aws_itself_is_called_with_what_the_profile_says() {
    let name = "aws::aws_itself_is_called_with_what_the_profile_says";
    let Some(folder) = namespace::enter(name) else {
        return;
    };
    profiles::write(&folder, "");
    let traps = Traps::set();
    let configuration = json!({
        "functions": { "f": { "backend": "simulated" } },
        "mappings": [{
            "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders", "FunctionName": "f",
        }],
    });
    let home = folder.to_str().unwrap();
    let container = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/role");
    for (profile, variables, expected) in [
        ("keys", &[][..], "sqs.us-east-1.amazonaws.com"),
        ("process", &[], "sqs.us-east-1.amazonaws.com"),
        ("sso", &[], "portal.sso.us-east-1.amazonaws.com"),
        ("role", &[], "sts.us-east-1.amazonaws.com"),
        ("token", &[], "sts.us-east-1.amazonaws.com"),
        ("instance", &[], "169.254.169.254:80"),
        ("default", &[], "169.254.169.254:80"),
        ("default", &[container], "169.254.170.2:80"),
    ] {
        let variables = [&[("HOME", home), ("AWS_PROFILE", profile)], variables].concat();
        let daemon = Daemon::start_with(&folder, &configuration, &variables);
        let what = format!("a call to {expected} with profile {profile}");
        until(&what, async || {
            let touched = traps.touched();
            let mut calls = touched
                .iter()
                .filter(|touched| !touched.starts_with("name "));
            calls.any(|call| call.contains(expected)).then_some(())
        })
        .await;
        assert_eq!(profiles::process_ran(&folder), profile == "process");
        daemon.kill().await;
        traps.touched();
    }
}

#[tokio::test]
async fn a_mixture_is_told_before_the_first_call() {
    let name = "aws::a_mixture_is_told_before_the_first_call";
    let Some(folder) = namespace::enter(name) else {
        return;
    };
    profiles::write(&folder, "");
    let traps = Traps::set();
    let configuration = json!({
        "functions": { "f": { "backend": "lambda-api", "endpoint": "http://127.0.0.1:1" } },
        "mappings": [{
            "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders", "FunctionName": "f",
        }],
    });
    let variables = [("HOME", folder.to_str().unwrap()), ("AWS_PROFILE", "keys")];
    let daemon = Daemon::start_with(&folder, &configuration, &variables);
    until("a call to SQS", async || {
        let touched = traps.touched();
        let mut calls = touched.iter();
        calls.any(|call| call.contains("sqs.")).then_some(())
    })
    .await;
    until("the log", async || {
        let log = daemon.log();
        let line = |text: &str| log.iter().position(|line| line.contains(text));
        let (mixed, running) = (line("are mixed: source orders"), line("1 mapping running"));
        assert!(running.is_none() || mixed < running, "{log:#?}");
        running.and(mixed)
    })
    .await;
    daemon.kill().await;
}

#[tokio::test]
async fn missing_credentials_are_told_once_for_each_mapping_with_the_way_out() {
    let name = "aws::missing_credentials_are_told_once_for_each_mapping_with_the_way_out";
    let Some(folder) = namespace::enter(name) else {
        return;
    };
    profiles::write(&folder, "");
    let mapping = |queue: &str| {
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:{queue}");
        json!({ "EventSourceArn": arn, "FunctionName": "f" })
    };
    let configuration = json!({
        "functions": { "f": { "backend": "simulated" } },
        "mappings": [mapping("a"), mapping("b")],
    });
    for (profile, why) in [
        ("default", "there are none"),
        ("lost-token", "No such file"),
    ] {
        let home = folder.to_str().unwrap();
        let disabled = ("AWS_EC2_METADATA_DISABLED", "true");
        let variables = [("HOME", home), ("AWS_PROFILE", profile), disabled];
        let daemon = Daemon::start_with(&folder, &configuration, &variables);
        let told = || {
            let mut told = daemon.lines();
            told.retain(|line| line["status"]["problem"].is_string());
            told
        };
        until("a line for each mapping", async || {
            (told().len() >= 2).then_some(())
        })
        .await;
        // Time enough for several more tries.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let told = told();
        assert_eq!(told.len(), 2, "{told:#?}");
        for line in told {
            let problem = line["status"]["problem"].as_str().unwrap();
            for part in [
                "needs AWS credentials",
                why,
                "AWS_ACCESS_KEY_ID=test",
                "endpoints",
            ] {
                assert!(problem.contains(part), "{part} is not in {problem}");
            }
            assert!(!problem.contains("feature"), "{problem}");
        }
        let mut log = daemon.log();
        log.retain(|line| line.contains("WARN"));
        assert_eq!(log, [""; 0], "what the SDK says is told in our words");
        daemon.kill().await;
    }
}
