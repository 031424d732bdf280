//! Where endpoints are named, nobody else is called.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lambda_esm_tests::{Daemon, QueueOptions, Sqs, until, variable};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::function::Function;
use super::namespace;
use super::profiles;
use super::traps::Traps;

/// How soon after the start of the daemon a message that waits for it is delivered.
const SOON: Duration = Duration::from_secs(2);

/// A profile, the endpoints of the configuration, and further variables.
type Case<'a> = (&'a str, &'a Value, Vec<(&'a str, &'a str)>);

#[tokio::test]
async fn no_local_endpoint_lets_a_call_out_whatever_the_profile_says() {
    let name = "local::no_local_endpoint_lets_a_call_out_whatever_the_profile_says";
    if variable("LAMBDA_ESM_TEST_ELASTICMQ").is_none() {
        return;
    }
    let Some(folder) = namespace::enter(name) else {
        return;
    };
    let sqs = Sqs::at(&elasticmq(&folder));
    let function = Function::serve().await;
    let (sqs_port, lambda_port) = (port(&sqs.endpoint), function.port);
    let [sqs_url, lambda_url] =
        [sqs_port, lambda_port].map(|port| format!("http://127.0.0.1:{port}"));
    let more = format!(
        "[profile endpoint]\nendpoint_url = {sqs_url}\nsso_session = corp\n\
         [profile services]\nservices = here\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n\
         [services here]\nsqs =\n  endpoint_url = http://localstack:{sqs_port}\n\
         lambda =\n  endpoint_url = {lambda_url}\n"
    );
    profiles::write(&folder, &more);
    let traps = Traps::set();

    let named = json!({ "sqs": sqs_url, "lambda": lambda_url });
    let hosts = json!({
        "sqs": format!("http://localstack:{sqs_port}"),
        "lambda": format!("http://host.docker.internal:{lambda_port}"),
    });
    let token = format!("{}/token", folder.display());
    let mut cases: Vec<Case<'_>> = Vec::new();
    let names = "sso process login role instance container token lost-token half variants nowhere";
    for profile in names.split(' ') {
        cases.push((profile, &named, Vec::new()));
    }
    let (none, lambda) = (Value::Null, json!({ "lambda": lambda_url }));
    let role = ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/r");
    cases.extend([
        ("sso", &hosts, Vec::new()),
        ("instance", &hosts, Vec::new()),
        (
            "default",
            &named,
            vec![("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()), role],
        ),
        (
            "default",
            &hosts,
            vec![("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/role")],
        ),
        ("default", &named, vec![("AWS_ACCESS_KEY_ID", "AKIDHALF")]),
        (
            "default",
            &named,
            vec![
                ("HTTP_PROXY", "http://a.proxy:443"),
                ("ALL_PROXY", "http://a.proxy:443"),
            ],
        ),
        ("services", &none, Vec::new()),
        ("endpoint", &lambda, Vec::new()),
        (
            "process",
            &none,
            vec![
                ("AWS_ENDPOINT_URL", sqs_url.as_str()),
                ("AWS_ENDPOINT_URL_LAMBDA", &lambda_url),
            ],
        ),
    ]);
    for (profile, endpoints, variables) in cases {
        let case = format!("profile {profile}, endpoints {endpoints}, {variables:?}");
        let queue = sqs.queue("isolated", QueueOptions::default()).await;
        queue.send([queue.name.clone()]).await;
        let mut configuration = json!({
            "region": "us-east-1", "account_id": "000000000000",
            "functions": { "f": { "backend": "lambda-api" } },
            "mappings": [{ "EventSourceArn": queue.arn(), "FunctionName": "f" }],
        });
        if !endpoints.is_null() {
            configuration["endpoints"] = endpoints.clone();
        }
        let home = folder.to_str().unwrap();
        let variables = [&[("HOME", home), ("AWS_PROFILE", profile)], &variables[..]].concat();
        let start = Instant::now();
        let daemon = Daemon::start_with(&folder, &configuration, &variables);
        let seen = until(&case, async || function.saw(&queue.name)).await;
        let took = seen - start;
        println!("{took:?}: {case}");
        assert!(took < SOON, "{took:?}: {case}");
        let (status, _) = daemon.stop().await;
        assert!(status.success(), "{status}: {case}");
        let strangers: Vec<_> = traps
            .touched()
            .into_iter()
            .filter(|touched| {
                !matches!(&**touched, "name localstack" | "name host.docker.internal")
            })
            .collect();
        assert!(strangers.is_empty(), "{strangers:?}: {case}");
        assert!(!profiles::process_ran(&folder), "the process ran: {case}");
    }
}

/// Starts ElasticMQ in this namespace, with which it ends. Returns its endpoint.
fn elasticmq(folder: &Path) -> String {
    let start = concat!(env!("CARGO_MANIFEST_DIR"), "/servers/start");
    let output = Command::new(start)
        .arg(folder.join("servers"))
        .arg("elasticmq")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, rest) = text.split_once("LAMBDA_ESM_TEST_ELASTICMQ=").unwrap();
    let endpoint = rest.split(['\n', ' ', ';']).next().unwrap();
    endpoint.trim_matches(['\'', '"']).to_owned()
}

fn port(endpoint: &str) -> u16 {
    endpoint.rsplit(':').next().unwrap().parse().unwrap()
}
