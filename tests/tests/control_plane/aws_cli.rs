//! The AWS CLI leads a mapping through its life.

use lambda_esm_tests::streams::Streams;
use lambda_esm_tests::{QueueOptions, Recording, Sqs, until};
use serde_json::{Value, json};

use crate::support::{Control, configuration, installed};

/// The exit code of version 1 of the AWS CLI for an error that the service returned; version 2 has 254.
const REFUSED: i32 = 255;

struct Cli(String);

impl Cli {
    /// Runs `aws lambda …`, and returns its exit code, its output as JSON, and its messages.
    async fn run(&self, arguments: &[&str]) -> (Option<i32>, Value, String) {
        let mut command = installed("aws").unwrap();
        command.args(["--endpoint-url", &self.0, "--output", "json", "lambda"]);
        let done = command.args(arguments).output().await.unwrap();
        let output = match &*done.stdout {
            [] => Value::Null,
            text => serde_json::from_slice(text).unwrap(),
        };
        let messages = String::from_utf8_lossy(&done.stderr).into_owned();
        (done.status.code(), output, messages)
    }

    async fn good(&self, arguments: &[&str]) -> Value {
        let (code, output, messages) = self.run(arguments).await;
        assert_eq!(code, Some(0), "{arguments:?}: {messages}");
        output
    }

    async fn refused(&self, error: &str, arguments: &[&str]) {
        let (code, _, messages) = self.run(arguments).await;
        assert_eq!(code, Some(REFUSED), "{arguments:?}: {messages}");
        assert!(messages.contains(&format!("({error})")), "{messages}");
    }

    async fn settled(&self, uuid: &str, state: &str) -> Value {
        until("the mapping has settled", async || {
            let get = ["get-event-source-mapping", "--uuid", uuid];
            let got = self.good(&get).await;
            (got["State"] == state).then_some(got)
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_aws_cli_leads_a_mapping_through_its_life() {
    let (Some(sqs), Some(_)) = (Sqs::elasticmq(), installed("aws")) else {
        return;
    };
    let queue = sqs.queue("cli", QueueOptions::default()).await;
    let folder = Recording::default();
    let control = Control::start(folder.folder(), &configuration(&sqs)).await;
    let cli = Cli(control.endpoint.clone());
    let source = queue.arn();
    let create = [
        "create-event-source-mapping",
        "--function-name",
        "f",
        "--event-source-arn",
        &source,
        "--batch-size",
        "5",
    ];

    let created = cli.good(&create).await;
    assert_eq!(created["State"], "Creating", "{created}");
    assert_eq!(created["BatchSize"], 5);
    let (uuid, arn) = (&created["UUID"], &created["EventSourceMappingArn"]);
    let (uuid, arn) = (uuid.as_str().unwrap(), arn.as_str().unwrap());
    let got = cli.settled(uuid, "Enabled").await;
    assert_eq!(got["EventSourceArn"], json!(source));
    cli.refused("ResourceConflictException", &create).await;

    let listed = cli
        .good(&["list-event-source-mappings", "--function-name", "f"])
        .await;
    assert_eq!(listed["EventSourceMappings"], json!([got]));

    let update = [
        "update-event-source-mapping",
        "--uuid",
        uuid,
        "--no-enabled",
        "--batch-size",
        "7",
    ];
    let updated = cli.good(&update).await;
    assert_eq!(updated["BatchSize"], 7);
    assert_eq!(cli.settled(uuid, "Disabled").await["BatchSize"], 7);

    let tagged = [
        "tag-resource",
        "--resource",
        arn,
        "--tags",
        "a=1,b=two words",
    ];
    cli.good(&tagged).await;
    let tags = cli.good(&["list-tags", "--resource", arn]).await;
    assert_eq!(tags["Tags"], json!({ "a": "1", "b": "two words" }));
    cli.good(&["untag-resource", "--resource", arn, "--tag-keys", "a", "b"])
        .await;
    let tags = cli.good(&["list-tags", "--resource", arn]).await;
    assert_eq!(tags["Tags"], json!({}));

    let deleted = cli
        .good(&["delete-event-source-mapping", "--uuid", uuid])
        .await;
    assert_eq!(deleted["State"], "Deleting");
    let get = ["get-event-source-mapping", "--uuid", uuid];
    until("the mapping is gone", async || {
        (cli.run(&get).await.0 != Some(0)).then_some(())
    })
    .await;
    cli.refused("ResourceNotFoundException", &get).await;
    control.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_aws_cli_maps_a_stream_with_all_of_its_settings() {
    let (Some(kinesis), Some(sqs), Some(_)) =
        (Streams::kinesis_local(), Sqs::elasticmq(), installed("aws"))
    else {
        return;
    };
    let stream = kinesis.stream("cli", 2).await;
    stream.put_numbers(0..20).await;
    let folder = Recording::default();
    let mut settings = configuration(&sqs);
    settings["endpoints"]["kinesis"] = json!(kinesis.endpoint);
    let control = Control::start(folder.folder(), &settings).await;
    let cli = Cli(control.endpoint.clone());
    let create = [
        "create-event-source-mapping",
        "--function-name",
        "f",
        "--event-source-arn",
        stream.arn(),
        "--starting-position",
        "TRIM_HORIZON",
        "--batch-size",
        "5",
        "--parallelization-factor",
        "2",
        "--bisect-batch-on-function-error",
        "--maximum-retry-attempts",
        "3",
        "--maximum-record-age-in-seconds",
        "3600",
        "--function-response-types",
        "ReportBatchItemFailures",
        "--destination-config",
        r#"{"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:dead"}}"#,
    ];
    let created = cli.good(&create).await;
    assert_eq!(created["ParallelizationFactor"], 2, "{created}");
    let uuid = created["UUID"].as_str().unwrap();
    let got = cli.settled(uuid, "Enabled").await;
    assert_eq!(got["MaximumRecordAgeInSeconds"], 3600);
    assert_eq!(got["BisectBatchOnFunctionError"], true);
    until("all records are processed", async || {
        let lines = control.daemon.lines();
        let succeeded = lines
            .iter()
            .filter(|line| line["event"]["decision"] == "succeeded");
        let records = succeeded.filter_map(|line| line["event"]["records"].as_u64());
        (records.sum::<u64>() == 20).then_some(())
    })
    .await;

    let update = [
        "update-event-source-mapping",
        "--uuid",
        uuid,
        "--parallelization-factor",
        "1",
        "--tumbling-window-in-seconds",
        "30",
    ];
    let updated = cli.good(&update).await;
    assert_eq!(updated["TumblingWindowInSeconds"], 30, "{updated}");
    cli.settled(uuid, "Enabled").await;
    control.stop().await;
}
