//! Change streams of DocumentDB: the event, the rules of their mappings, and what becomes of one whose history is lost.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod mapping_common;

use std::collections::VecDeque;
use std::time::Duration;

use aws_lambda_events::documentdb::DocumentDbEvent;
use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::event::EventDetail;
use lambda_esm_core::event::documentdb::DocumentDbEncoder;
use lambda_esm_core::fault::{InvokeError, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::StartingPosition;
use lambda_esm_core::on_failure_record::Condition;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::record::{StreamContent, StreamRecord};
use lambda_esm_core::response::InvokeAnswer;
use lambda_esm_core::stream::{
    Action, CallId, Checkpoint, Cursor, Input, KeptCheckpoint, KeptCheckpoints, Listing, Page,
    Shard, ShardId, Start, StreamConfig, StreamFacts, StreamMachine, Surroundings,
};
use mapping_common::{DOCS, NOW, accepted, with};
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_secs(60);

fn config(parameters: Value) -> StreamConfig {
    let around = Surroundings {
        region: mapping_common::REGION.to_owned(),
        account_id: mapping_common::ACCOUNT.to_owned(),
        role_arn: String::new(),
        pacing: Pacing::Eager,
        detail: true,
        event_detail: EventDetail::Whole,
    };
    StreamConfig::new(&accepted(with("documentdb", parameters)), &around).unwrap()
}

fn horizon() -> StreamConfig {
    config(json!({"StartingPosition": "TRIM_HORIZON"}))
}

fn change(text: &str) -> StreamContent {
    StreamContent::Change(text.to_owned())
}

/// A machine whose calls of the source are answered by hand, and all others at once.
struct World {
    now: Timestamp,
    machine: StreamMachine,
    open: Option<(CallId, Start)>,
    fetch: Option<CallId>,
    decisions: Vec<Decision>,
    /// When the function was called, and with what.
    calls: Vec<(Timestamp, Bytes)>,
    /// How many calls of the function are still to fail.
    failures: usize,
    /// What the next listings say is wrong.
    problem: Option<SourceError>,
    checkpoints: Vec<Checkpoint>,
}

impl World {
    fn new(config: StreamConfig, kept: Option<Start>) -> Self {
        let mut checkpoints = KeptCheckpoints::new();
        if let Some(start) = kept {
            let kept = KeptCheckpoint {
                identity: "shop".to_owned(),
                checkpoint: Checkpoint::at(start),
            };
            checkpoints.insert(ShardId::new("changes"), kept);
        }
        let mut world = Self {
            now: NOW,
            machine: StreamMachine::new(config, checkpoints, 1, NOW),
            open: None,
            fetch: None,
            decisions: Vec::new(),
            calls: Vec::new(),
            failures: 0,
            problem: None,
            checkpoints: Vec::new(),
        };
        world.give(Input::Tick);
        world
    }

    fn give(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.machine.handle(self.now, input);
            while let Some(action) = self.machine.poll() {
                inputs.extend(self.act(action));
            }
        }
    }

    fn act(&mut self, action: Action) -> Option<Input> {
        match action {
            Action::List { id } => {
                let facts = StreamFacts::new("shop").with_longest_wait(Duration::from_secs(1));
                let shards = vec![Shard::new(ShardId::new("changes"))];
                let listing = Listing::new(facts, shards)
                    .with_server_time(Some(self.now))
                    .with_problem(self.problem.clone());
                let result = Ok(listing);
                Some(Input::Listed { id, result })
            }
            Action::Open { id, from, .. } => {
                self.open = Some((id, from));
                None
            }
            Action::Fetch { id, .. } => {
                self.fetch = Some(id);
                None
            }
            Action::Reserve { turn } => Some(Input::Reserved { turn }),
            Action::Invoke {
                batch,
                attempt,
                payload,
                ..
            } => {
                self.calls.push((self.now, payload));
                let failed = self.failures > 0;
                self.failures = self.failures.saturating_sub(1);
                let result = if failed {
                    Err(InvokeError::function("no"))
                } else {
                    Ok(InvokeAnswer::new(Bytes::from_static(b"null")))
                };
                Some(Input::Invoked {
                    batch,
                    attempt,
                    result,
                })
            }
            Action::Commit {
                id, checkpoints, ..
            } => {
                let kept = checkpoints.into_iter().map(|kept| kept.checkpoint);
                self.checkpoints.extend(kept);
                let result = Ok(());
                Some(Input::Committed { id, result })
            }
            Action::Report(decision) => {
                self.decisions.push(decision);
                None
            }
            other => panic!("{other:?}"),
        }
    }

    /// Lets time pass, with every deadline in it.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.machine.next_deadline().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.give(Input::Tick);
        }
        self.now = end;
    }

    /// Answers the call for a place, and returns what was asked for.
    fn opened(&mut self, result: Result<(), SourceErrorKind>) -> Start {
        let (id, from) = self.open.take().expect("a call for a place");
        let result = result
            .map(|()| Cursor("here".to_owned()))
            .map_err(|kind| SourceError::new(kind, "the resume token is gone"));
        self.give(Input::Opened { id, result });
        from
    }

    fn fetched(&mut self, page: Page) {
        let id = self.fetch.take().expect("a fetch");
        let result = Ok(page);
        self.give(Input::Fetched { id, result });
    }

    fn fetch_fails(&mut self, kind: SourceErrorKind) {
        let id = self.fetch.take().expect("a fetch");
        let result = Err(SourceError::new(kind, "the resume token is gone"));
        self.give(Input::Fetched { id, result });
    }

    fn changes(&mut self, changes: &[(&str, &str)]) {
        let records = changes.iter();
        let records = records.map(|&(token, text)| StreamRecord::new(token, NOW, change(text)));
        let next = Some(Cursor("next".to_owned()));
        self.fetched(Page::new(records.collect(), next));
    }

    fn events(&self, call: usize) -> Vec<Value> {
        let event: Value = serde_json::from_slice(&self.calls[call].1).unwrap();
        let events = event["events"].as_array().unwrap().iter();
        events.map(|event| event["event"].clone()).collect()
    }
}

#[test]
fn an_event_has_the_documented_members_in_their_order_and_is_read_by_the_event_crate() {
    let text = r#"{"_id":{"_data":"0163eeb6e7000000090100000009000041e1"},"clusterTime":{"$timestamp":{"t":1676588775,"i":9}},"documentKey":{"_id":{"$oid":"63eeb6e7d418cd98afb1c1d7"}},"fullDocument":{"_id":{"$oid":"63eeb6e7d418cd98afb1c1d7"},"anyField":"sampleValue"},"ns":{"db":"test_database","coll":"test_collection"},"operationType":"insert"}"#;
    let encoder = DocumentDbEncoder::new(DOCS);
    let mut fragment = Vec::new();
    encoder.write(&mut fragment, text);
    let event = encoder.event([&fragment[..], &fragment[..]].into_iter());
    let expected = format!(
        r#"{{"eventSourceArn":"{DOCS}","events":[{{"event":{text}}},{{"event":{text}}}],"eventSource":"aws:docdb"}}"#
    );
    assert_eq!(std::str::from_utf8(&event).unwrap(), expected);
    let around = event.len() - 2 * fragment.len() - 1;
    assert_eq!(encoder.envelope_bytes(), around);
    let read: DocumentDbEvent = serde_json::from_slice(&event).unwrap();
    assert_eq!(read.events.len(), 2);
    assert_eq!(read.event_source.as_deref(), Some("aws:docdb"));
}

#[test]
fn a_mapping_has_the_documented_defaults() {
    let config = horizon();
    assert_eq!(config.limits.count, 100);
    assert_eq!(config.limits.window, Duration::from_millis(500));
    assert_eq!(config.start, StartingPosition::TrimHorizon);
    assert_eq!(config.factor(), 1);
    assert!(config.halts_when_trimmed);
    assert_eq!(config.retry.maximum_retries, None);
    assert_eq!(config.on_failure, None);
}

#[test]
fn the_window_begins_with_the_first_change_and_not_with_the_last_batch() {
    let mut world = World::new(horizon(), None);
    world.opened(Ok(()));
    let begun = world.now;
    world.changes(&[("1", "1")]);
    world.pass(MINUTE);
    let second = world.now;
    world.changes(&[("2", "2")]);
    world.pass(Duration::from_millis(200));
    world.changes(&[("3", "3")]);
    world.pass(MINUTE);
    let window = Duration::from_millis(500);
    let times: Vec<Timestamp> = world.calls.iter().map(|&(at, _)| at).collect();
    assert_eq!(times, [begun + window, second + window]);
    assert_eq!(world.events(1), [json!(2), json!(3)]);
    assert_eq!(
        world.checkpoints.last(),
        Some(&Checkpoint::at(Start::After("3".into())))
    );
}

#[test]
fn a_failed_batch_is_tried_again_until_it_succeeds_and_before_any_later_change() {
    let mut world = World::new(horizon(), None);
    world.failures = 300;
    world.opened(Ok(()));
    world.changes(&[("1", "1")]);
    world.pass(MINUTE);
    world.changes(&[("2", "2")]);
    world.pass(300 * MINUTE);
    assert_eq!(world.calls.len(), 302);
    assert!((0..301).all(|call| world.events(call) == [json!(1)]));
    assert_eq!(world.events(301), [json!(2)]);
}

#[test]
fn a_change_that_fits_in_no_event_is_given_up_and_told_and_the_next_one_comes() {
    let limit = 6 * 1024 * 1024;
    let around = DocumentDbEncoder::new(DOCS).envelope_bytes() + r#"{"event":""}"#.len();
    let fits = format!("\"{}\"", "a".repeat(limit - around));
    let too_large = format!("\"{}\"", "b".repeat(limit - around + 1));
    let mut world = World::new(horizon(), None);
    world.opened(Ok(()));
    world.changes(&[("1", &too_large), ("2", &fits), ("3", "3")]);
    world.pass(MINUTE);
    assert_eq!(world.calls[0].1.len(), limit, "the largest event there is");
    assert_eq!(world.events(1), [json!(3)]);
    let discarded = world.decisions.iter().filter(|decision| {
        matches!(decision, Decision::Discarded { condition, records: 1, first, destination: None, .. }
            if *condition == Condition::MaximumPayloadSizeExceeded && first == "1")
    });
    assert_eq!(discarded.count(), 1);
    let last = world.checkpoints.last();
    assert_eq!(last, Some(&Checkpoint::at(Start::After("3".into()))));
}

#[test]
fn a_place_up_to_which_there_is_nothing_becomes_the_checkpoint() {
    let mut world = World::new(horizon(), None);
    world.opened(Ok(()));
    let next = || Some(Cursor("next".to_owned()));
    world.changes(&[("1", "1")]);
    let idle = Page::new(Vec::new(), next()).with_read_to(Some("7".into()));
    world.fetched(idle);
    assert!(world.checkpoints.is_empty(), "change 1 is not settled yet");
    world.pass(MINUTE);
    let idle = Page::new(Vec::new(), next()).with_read_to(Some("9".into()));
    world.fetched(idle);
    let places: Vec<_> = world.checkpoints.iter().map(Checkpoint::describe).collect();
    assert_eq!(places, ["after 7", "after 9"]);
}

#[test]
fn lost_history_ends_the_reading_for_good_and_begun_again_it_goes_on_with_the_oldest() {
    let mut world = World::new(horizon(), Some(Start::After("5".into())));
    assert_eq!(
        world.opened(Err(SourceErrorKind::Trimmed)),
        Start::After("5".into())
    );
    let halted = world.machine.status().halted.unwrap();
    assert!(halted.contains("after 5"), "{halted}");
    assert!(halted.contains("the resume token is gone"), "{halted}");
    assert!(halted.contains("enable the mapping again"), "{halted}");
    let lost = |decision: &&Decision| matches!(decision, Decision::HistoryLost { because, .. } if because == "the resume token is gone");
    assert_eq!(world.decisions.iter().filter(lost).count(), 1);

    world.pass(60 * MINUTE);
    assert_eq!((world.open.clone(), world.fetch), (None, None));
    assert_eq!(world.checkpoints, [], "killed here, it halts again");

    world.give(Input::Drain);
    assert!(world.machine.is_idle());
    let kept = [Checkpoint::at(Start::TrimHorizon)];
    assert_eq!(world.checkpoints, kept);
    let mut again = World::new(
        config(json!({"StartingPosition": "LATEST"})),
        Some(Start::TrimHorizon),
    );
    assert_eq!(again.opened(Ok(())), Start::TrimHorizon);
    assert_eq!(again.machine.status().halted, None);
}

#[test]
fn history_that_is_lost_while_a_batch_fails_ends_the_reading_too() {
    let mut world = World::new(horizon(), None);
    world.failures = 1_000;
    world.opened(Ok(()));
    world.changes(&[("1", "1")]);
    world.pass(MINUTE);
    world.fetch_fails(SourceErrorKind::Trimmed);
    let halted = world.machine.status().halted.unwrap();
    let since = NOW.iso_millis();
    assert!(halted.contains(since.as_str()), "{halted}");
    world.pass(60 * MINUTE);
    assert_eq!((world.open.clone(), world.fetch), (None, None));
    world.give(Input::Drain);
    assert!(world.machine.is_idle());
}

#[test]
fn what_is_wrong_with_a_stream_that_can_be_read_is_shown_until_a_listing_is_without() {
    let error = SourceError::new(SourceErrorKind::NotFound, "collection c is not there");
    let mut world = World::new(horizon(), None);
    world.problem = Some(error);
    world.opened(Ok(()));
    world.pass(MINUTE);
    let shown = world.machine.status().source_problem;
    assert_eq!(shown.as_deref(), Some("collection c is not there"));
    world.changes(&[("1", "1")]);
    world.problem = None;
    world.pass(MINUTE);
    assert_eq!(world.machine.status().source_problem, None);
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn a_horizon_that_moves_while_it_is_looked_up_is_no_loss() {
    let mut world = World::new(horizon(), None);
    world.opened(Err(SourceErrorKind::Trimmed));
    assert_eq!(world.machine.status().halted, None);
    world.pass(MINUTE);
    assert_eq!(world.opened(Ok(())), Start::TrimHorizon);
}
