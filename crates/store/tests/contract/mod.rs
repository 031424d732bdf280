//! What the store's port promises, for any implementation.

use lambda_esm_engine::store::{Store, StoreError, StoredCheckpoint, StoredMapping};
use uuid::Uuid;

use crate::support::{checkpoint, mapping};

/// Runs every promise of [`Store`] on an empty store.
pub(crate) async fn store_contract(store: &dyn Store) {
    mappings_are_kept_replaced_and_forgotten(store).await;
    positions_are_kept_per_mapping_and_partition(store).await;
    removing_a_mapping_drops_its_positions_alone(store).await;
    a_lower_fence_is_refused_as_a_whole(store).await;
    forgotten_positions_are_those_that_were_named(store).await;
    assert_eq!(store.load().await.unwrap(), []);
}

async fn mappings_are_kept_replaced_and_forgotten(store: &dyn Store) {
    assert_eq!(
        store.load().await.unwrap(),
        [],
        "the contract wants an empty store"
    );
    let (first, mut second) = (mapping(1), mapping(2));
    store.put(first.clone()).await.unwrap();
    store.put(second.clone()).await.unwrap();
    second.record.push_str("ü\"\n");
    store.put(second.clone()).await.unwrap();
    let mut kept = store.load().await.unwrap();
    kept.sort_by_key(|mapping| mapping.uuid);
    assert_eq!(kept, [first.clone(), second.clone()]);
    store.remove(first.uuid).await.unwrap();
    store.remove(first.uuid).await.unwrap();
    assert_eq!(store.load().await.unwrap(), [second.clone()]);
    store.remove(second.uuid).await.unwrap();
}

async fn positions_are_kept_per_mapping_and_partition(store: &dyn Store) {
    let (one, two) = (mapping(1), mapping(2));
    store.put(one.clone()).await.unwrap();
    store.put(two.clone()).await.unwrap();
    assert_eq!(store.checkpoints(one.uuid).await.unwrap(), []);
    store.commit(Vec::new()).await.unwrap();
    let first = [checkpoint(1, "", 1, 1), checkpoint(1, "shard-0", 5, 1)];
    store.commit(first.to_vec()).await.unwrap();
    store
        .commit(vec![checkpoint(2, "shard-0", 9, 4)])
        .await
        .unwrap();
    store
        .commit(vec![checkpoint(1, "shard-0", 6, 1)])
        .await
        .unwrap();
    assert_eq!(
        checkpoints(store, one.uuid).await,
        [checkpoint(1, "", 1, 1), checkpoint(1, "shard-0", 6, 1)]
    );
    assert_eq!(
        checkpoints(store, two.uuid).await,
        [checkpoint(2, "shard-0", 9, 4)]
    );
    let again = StoredMapping::new(one.uuid, "changed");
    store.put(again).await.unwrap();
    assert_eq!(
        checkpoints(store, one.uuid).await.len(),
        2,
        "an update keeps the checkpoints"
    );
}

async fn removing_a_mapping_drops_its_positions_alone(store: &dyn Store) {
    let (one, two) = (mapping(1), mapping(2));
    store.remove(one.uuid).await.unwrap();
    assert_eq!(store.checkpoints(one.uuid).await.unwrap(), []);
    assert_eq!(
        checkpoints(store, two.uuid).await,
        [checkpoint(2, "shard-0", 9, 4)]
    );
    store.put(one.clone()).await.unwrap();
    assert_eq!(
        store.checkpoints(one.uuid).await.unwrap(),
        [],
        "a mapping made again starts without checkpoints"
    );
    store.remove(one.uuid).await.unwrap();
    store.remove(two.uuid).await.unwrap();
    assert_eq!(store.checkpoints(two.uuid).await.unwrap(), []);
}

async fn a_lower_fence_is_refused_as_a_whole(store: &dyn Store) {
    let one = mapping(1);
    store.put(one.clone()).await.unwrap();
    store.commit(vec![checkpoint(1, "a", 1, 7)]).await.unwrap();
    let late = vec![checkpoint(1, "b", 2, 6), checkpoint(1, "a", 2, 6)];
    assert!(matches!(
        store.commit(late).await,
        Err(StoreError::Fenced(_))
    ));
    assert_eq!(
        checkpoints(store, one.uuid).await,
        [checkpoint(1, "a", 1, 7)]
    );
    store.commit(vec![checkpoint(1, "a", 2, 7)]).await.unwrap();
    store.commit(vec![checkpoint(1, "a", 3, 8)]).await.unwrap();
    let late = vec![checkpoint(1, "a", 4, 7)];
    assert!(matches!(
        store.commit(late).await,
        Err(StoreError::Fenced(_))
    ));
    assert_eq!(
        checkpoints(store, one.uuid).await,
        [checkpoint(1, "a", 3, 8)]
    );
    store.remove(one.uuid).await.unwrap();
}

async fn forgotten_positions_are_those_that_were_named(store: &dyn Store) {
    let (one, two) = (mapping(1), mapping(2));
    store.put(one.clone()).await.unwrap();
    store.put(two.clone()).await.unwrap();
    let kept = [
        checkpoint(1, "a", 1, 1),
        checkpoint(1, "b", 2, 1),
        checkpoint(2, "a", 3, 1),
    ];
    store.commit(kept.to_vec()).await.unwrap();
    let gone = vec!["a".to_owned(), "unknown".to_owned()];
    store.forget(one.uuid, gone).await.unwrap();
    assert_eq!(
        checkpoints(store, one.uuid).await,
        [checkpoint(1, "b", 2, 1)]
    );
    assert_eq!(
        checkpoints(store, two.uuid).await,
        [checkpoint(2, "a", 3, 1)]
    );
    store.forget(one.uuid, Vec::new()).await.unwrap();
    store.remove(one.uuid).await.unwrap();
    store.remove(two.uuid).await.unwrap();
}

async fn checkpoints(store: &dyn Store, mapping: Uuid) -> Vec<StoredCheckpoint> {
    let mut checkpoints = store.checkpoints(mapping).await.unwrap();
    checkpoints.sort_by(|a, b| a.partition.cmp(&b.partition));
    checkpoints
}
