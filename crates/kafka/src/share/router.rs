//! Has a session for each broker that leads a partition of the member, until the member leaves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::cluster::{Cluster, GroupSettings};
use super::group::Group;
use super::membership;
use super::session::Session;

/// How often leaders are looked up at least.
const REFRESH: Duration = Duration::from_secs(10);
/// How often leaders are looked up at most.
const PAUSE: Duration = Duration::from_millis(100);

/// Begins a member, which joins its group.
pub(super) fn join(cluster: Cluster, settings: GroupSettings) -> Arc<Group> {
    let group = Arc::new(Group::new(cluster, settings));
    tokio::spawn(run(Arc::clone(&group)));
    group
}

async fn run(group: Arc<Group>) {
    let (leave, told) = oneshot::channel();
    let membership = tokio::spawn(membership::run(Arc::clone(&group), told));
    let mut sessions: JoinSet<()> = JoinSet::new();
    let mut closing = group.closing.subscribe();
    while !*closing.borrow_and_update() {
        for broker in leaders(&group) {
            begin(&group, &mut sessions, broker);
        }
        group.wake();
        tokio::select! {
            _ = closing.changed() => {}
            () = look_again(&group) => {}
            Some(_) = sessions.join_next() => group.moved.notify_one(),
        }
    }
    group.wake();
    while sessions.join_next().await.is_some() {}
    if leave.send(()).is_ok()
        && let Err(error) = membership.await
    {
        tracing::warn!(%error, "the membership ended");
    }
    group.ended.send_replace(true);
}

/// Returns the brokers that lead partitions of the member.
fn leaders(group: &Group) -> BTreeSet<i32> {
    let (cluster, state) = (&group.cluster, group.state());
    let partitions = state.assigned.iter().map(|(_, partition)| *partition);
    let leader = |partition| cluster.metadata().leader(&cluster.topic, partition);
    partitions.filter_map(leader).collect()
}

fn begin(group: &Arc<Group>, sessions: &mut JoinSet<()>, broker: i32) {
    let mut state = group.state();
    if state.sessions.contains_key(&broker) {
        return;
    }
    let wake = Arc::new(Notify::new());
    state.sessions.insert(broker, Arc::clone(&wake));
    let session = Session::new(Arc::clone(group), broker, wake);
    sessions.spawn(session.run());
}

/// Looks up who leads the partitions: when that may have changed, and now and then.
async fn look_again(group: &Group) {
    if timeout(REFRESH, group.moved.notified()).await.is_ok() {
        sleep(PAUSE).await;
    }
    if let Err(error) = group.cluster.refresh().await {
        tracing::debug!(%error, topic = group.cluster.topic, "leaders are not known");
    }
}
