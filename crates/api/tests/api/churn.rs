//! Many clients at a time, as when an infrastructure tool applies a plan.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{MAPPINGS, Server, until};

const CLIENTS: usize = 8;
const EACH: usize = 25;

/// Lists everything, page by page.
async fn listed(server: &Server) -> BTreeSet<String> {
    let (mut found, mut marker) = (BTreeSet::new(), String::new());
    loop {
        let page = server
            .get(&format!("{MAPPINGS}/?MaxItems=30{marker}"))
            .await
            .json();
        for mapping in page["EventSourceMappings"].as_array().unwrap() {
            assert!(
                found.insert(mapping["UUID"].as_str().unwrap().to_owned()),
                "listed twice"
            );
        }
        match page["NextMarker"].as_str() {
            Some(next) => marker = format!("&Marker={next}"),
            None => return found,
        }
    }
}

/// Creates, changes, tags and lists mappings, deletes every second one, and returns what must be left.
async fn client(server: &Server, client: usize) -> Vec<Value> {
    let mut kept = Vec::new();
    for n in 0..EACH {
        let number = client * EACH + n;
        let (queue, function) = (number / 2, ["f", "g"][number % 2]);
        let source = format!("arn:aws:sqs:us-east-1:000000000000:queue-{queue}");
        let request = json!({ "EventSourceArn": source, "FunctionName": function });
        let uuid = server.created(request).await;
        let path = format!("{MAPPINGS}/{uuid}");
        let size = json!({ "BatchSize": number % 10 + 1 });
        assert_eq!(server.put(&path, size.clone()).await.status.as_u16(), 202);
        let updated = server.settled(&uuid).await;
        assert_eq!(updated["BatchSize"], size["BatchSize"]);
        let tags = format!(
            "/2017-03-31/tags/{}",
            updated["EventSourceMappingArn"].as_str().unwrap()
        );
        let tagged = server
            .post(&tags, json!({ "Tags": { "n": number.to_string() } }))
            .await;
        assert_eq!(tagged.status.as_u16(), 204);
        assert!(listed(server).await.contains(&uuid), "a page is incomplete");
        if n % 2 == 0 {
            assert_eq!(server.delete(&path).await.status.as_u16(), 202);
        } else {
            kept.push(updated);
        }
    }
    kept
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_mappings_from_eight_clients_lose_no_update() {
    let server = Server::start().await;
    let clients = (0..CLIENTS).map(|number| client(&server, number));
    let kept: Vec<Value> = futures::future::join_all(clients)
        .await
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(kept.len(), CLIENTS * (EACH / 2));
    let uuids: BTreeSet<_> = kept
        .iter()
        .map(|mapping| mapping["UUID"].as_str().unwrap().to_owned())
        .collect();
    until("the deleted ones are gone", async || {
        (listed(&server).await == uuids).then_some(())
    })
    .await;
    for mapping in kept {
        let uuid = mapping["UUID"].as_str().unwrap();
        assert_eq!(
            server.get(&format!("{MAPPINGS}/{uuid}")).await.json(),
            mapping
        );
        let arn = mapping["EventSourceMappingArn"].as_str().unwrap();
        let tags = server.get(&format!("/2017-03-31/tags/{arn}")).await.json();
        assert!(tags["Tags"]["n"].is_string());
    }
    server.stop().await;
}
