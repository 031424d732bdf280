//! Share groups, as Kafka's own client sees them.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::server::Kafka;
use super::topic::Topic;
use crate::wait::until;

/// What `kafka-share-groups` runs.
const TOOL: &str = "org.apache.kafka.tools.consumer.group.ShareGroupCommand";

/// A share group, as Kafka knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareGroup {
    /// Its state in Kafka's words, such as `Stable` or `Empty`.
    pub state: String,
    /// How many members it has.
    pub members: usize,
    /// How many records are not done, by topic and partition.
    pub lag: BTreeMap<String, i64>,
}

impl Kafka {
    /// Returns the name of a group that begins with the first record of its topic, and is set so, by Kafka's names:
    /// `share.delivery.count.limit=5`.
    pub async fn share_group(&self, settings: &[&str]) -> String {
        let group = format!("group-{}", Uuid::new_v4().simple());
        let begins = ["group", &group, "share.auto.offset.reset=earliest"];
        self.administer(&[&begins[..], settings].concat()).await;
        group
    }

    /// Returns a share group as it is now.
    pub async fn describe_share_group(&self, group: &str) -> ShareGroup {
        let told = self.administer(&["share-group", group]).await;
        // The client complains of brokers that are away on lines between them.
        let lines = told.lines().map(|line| line.split(' ').collect());
        let lines: Vec<Vec<&str>> = lines.collect();
        let first = lines.iter().find_map(|words| match words[..] {
            [state, members] => Some((state, members.parse().ok()?)),
            _ => None,
        });
        let (state, members) = first.unwrap();
        let lag = lines.iter().filter_map(|words| match words[..] {
            [partition, _, lag] => Some((partition.to_owned(), lag.parse().ok()?)),
            _ => None,
        });
        ShareGroup {
            state: state.to_owned(),
            members,
            lag: lag.collect(),
        }
    }

    /// Returns a share group as `kafka-share-groups` shows it.
    pub async fn share_group_by_tool(&self, group: &str) -> ShareGroup {
        let shown = async |what| {
            let words = ["--describe", "--group", group, what];
            let table = self.tool(TOOL, &words).await;
            let rows = table.lines().map(|line| line.split_whitespace());
            let rows = rows.map(|row| row.map(str::to_owned).collect::<Vec<_>>());
            let rows = rows.filter(|row| row.first().is_some_and(|first| first == group));
            rows.collect::<Vec<_>>()
        };
        let state = shown("--state").await;
        let [_, _coordinator, _node, state, members] = &state[0][..] else {
            panic!("{state:?}");
        };
        let joined = shown("--members").await.len();
        assert_eq!(*members, joined.to_string(), "members, one by one");
        let lag = shown("--offsets").await.into_iter().map(|row| {
            let [_, topic, partition, _start, lag] = &row[..] else {
                panic!("{row:?}");
            };
            (format!("{topic}-{partition}"), lag.parse().unwrap())
        });
        ShareGroup {
            state: state.clone(),
            members: joined,
            lag: lag.collect(),
        }
    }

    /// Waits until Kafka says that nothing is left of a topic for a share group.
    pub async fn until_shared_out(&self, group: &str, topic: &Topic) -> ShareGroup {
        let partitions = usize::try_from(topic.partitions().await).unwrap();
        until(&format!("nothing is left for {group}"), async || {
            let known = self.describe_share_group(group).await;
            let done = known.lag.len() == partitions && known.lag.values().all(|lag| *lag == 0);
            done.then_some(known)
        })
        .await
    }
}
