//! Two that read the same for one function.

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_engine::ports::StreamSource;
use serde_json::json;

use crate::stage::{Stage, ids};

#[tokio::test]
async fn the_second_stands_by_in_words_and_takes_over_when_the_first_ends() {
    let Some(stage) = Stage::shared().await else {
        return;
    };
    // Another one has another store.
    let second = Stage {
        name: stage.name.clone(),
        ..Stage::shared().await.unwrap()
    };
    let first = stage.run(&json!({})).await;
    stage.insert(0..2).await;
    first.changes(2).await;
    let second = second.run(&json!({})).await;
    let problem = second.problem("stands by").await;
    let pid = format!("pid {}", std::process::id());
    assert!(problem.contains(&pid), "{problem}");
    stage.insert(2..4).await;
    assert_eq!(ids(&first.changes(4).await), [0, 1, 2, 3]);
    first.engine.shutdown().await;
    drop(first);
    assert_eq!(ids(&second.changes(4).await), [0, 1, 2, 3]);
    second.engine.shutdown().await;
}

#[tokio::test]
async fn other_collections_and_other_functions_do_not_wait() {
    let Some(stage) = Stage::shared().await else {
        return;
    };
    stage.insert(0..1).await;
    let all = stage.stream(&json!({}));
    let one = stage.stream(&stage.config(&json!({"CollectionName": "c"})));
    all.list().await.unwrap();
    one.list().await.unwrap();
    let same = stage.stream(&json!({}));
    let error = same.list().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Transient);
    drop(all);
    same.list().await.unwrap();
}

#[tokio::test]
async fn a_folder_that_is_not_ones_own_is_not_used() {
    let Some(mut stage) = Stage::shared().await else {
        return;
    };
    stage.options = stage.options.with_folder(Some("/proc/none".into()));
    let error = stage.stream(&json!({})).list().await.unwrap_err();
    assert!(error.message.contains("name another one"), "{error}");
}
