//! A server of a test's own, and daemons whose mappings read its change streams.

use lambda_esm_tests::scripted::{Stage, merge};
use mongodb::Database;
use serde_json::{Value, json};
use uuid::Uuid;

use super::seen::{Change, Script};
use lambda_esm_tests::documentdb::SecantusDb;

const CLUSTER: &str = "arn:aws:rds:us-east-1:000000000000:cluster:";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:";

/// A cluster by its name, and the address at which it is.
pub(crate) type Cluster<'a> = (&'a str, Value);

/// Starts a daemon that knows these clusters, and reads where others read that know the same by the same `function`.
pub(crate) async fn daemon(
    clusters: &[Cluster<'_>],
    scripts: Vec<(String, Script)>,
) -> Stage<Change> {
    let arns = clusters
        .iter()
        .map(|(name, address)| (format!("{CLUSTER}{name}"), address.clone()));
    let sections = json!({
        "endpoints": { "aws": "http://127.0.0.1:1", "arns": arns.collect::<serde_json::Map<_, _>>() },
        "secrets": {
            format!("{SECRET}nobody"): { "username": "", "password": "" },
            format!("{SECRET}wrong"): { "username": "u", "password": "not-the-password" },
        },
    });
    Stage::start(scripts, &sections).await
}

/// Starts a daemon that knows a server by the name `main`.
pub(crate) async fn stage(server: &SecantusDb, script: Script) -> Stage<Change> {
    let clusters = [("main", json!(server.url()))];
    daemon(&clusters, vec![("f".to_owned(), script)]).await
}

/// Returns the request that maps a database from its beginning on.
pub(crate) fn request(database: &str, function: &str, members: &Value) -> Value {
    let mut request = json!({
        "EventSourceArn": format!("{CLUSTER}main"),
        "FunctionName": function,
        "StartingPosition": "TRIM_HORIZON",
        "DocumentDBEventSourceConfig": { "DatabaseName": database },
        "SourceAccessConfigurations": [{ "Type": "BASIC_AUTH", "URI": format!("{SECRET}nobody") }],
    });
    merge(&mut request, members);
    request
}

/// Returns the member that names another cluster, or another secret.
pub(crate) fn cluster(name: &str) -> Value {
    json!({ "EventSourceArn": format!("{CLUSTER}{name}") })
}

pub(crate) fn secret(name: &str) -> Value {
    let access = json!([{ "Type": "BASIC_AUTH", "URI": format!("{SECRET}{name}") }]);
    json!({ "SourceAccessConfigurations": access })
}

/// Returns a database that no other test uses.
pub(crate) async fn database(server: &SecantusDb) -> Database {
    let name = format!("d{}", Uuid::new_v4().simple());
    let database = server.client().await.database(&name);
    database.create_collection("c").await.unwrap();
    database
}
