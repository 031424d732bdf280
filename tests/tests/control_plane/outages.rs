//! While the daemon stops, pauses, changes or is killed, messages keep coming, and none is hidden for nobody.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lambda_esm_tests::{Queue, QueueOptions, Recording, Sqs, ministack, until};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::support::{Control, in_state};

/// How long a message may wait beyond an outage, and beyond one that began with a kill.
const BEYOND: Duration = Duration::from_secs(2);
const BEYOND_A_KILL: Duration = Duration::from_secs(3);
/// A killed daemon's receives go on for a second, in which they take messages.
const RECEIVE: Duration = Duration::from_secs(1);

/// What the function saw of a message: when, and its receive count.
type Seen = Arc<Mutex<BTreeMap<usize, Vec<(Instant, u32)>>>>;

/// A function behind HTTP that the daemon's end does not touch.
async fn function() -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let seen = Seen::default();
    let sink = seen.clone();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection, sink.clone()));
        }
    });
    (url, seen)
}

/// Answers requests until the connection ends; one that is cut off was not seen.
async fn answer(connection: TcpStream, seen: Seen) -> Option<()> {
    let mut connection = BufReader::new(connection);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(text) = line.strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).await.ok()?;
        let event: Value = serde_json::from_slice(&body).unwrap();
        for record in event["Records"].as_array().unwrap() {
            let text = |value: &Value| -> usize { value.as_str().unwrap().parse().unwrap() };
            let count = text(&record["attributes"]["ApproximateReceiveCount"]);
            let sight = (Instant::now(), u32::try_from(count).unwrap());
            let mut seen = seen.lock().unwrap();
            seen.entry(text(&record["body"])).or_default().push(sight);
        }
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull";
        connection.write_all(answer).await.ok()?;
    }
}

/// One message a second, the number of each its body, and when it was sent.
struct Trickle {
    sent: Arc<Mutex<Vec<Instant>>>,
    flows: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Trickle {
    fn start(queue: Queue) -> Self {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let flows = Arc::new(AtomicBool::new(true));
        let (times, open) = (sent.clone(), flows.clone());
        let task = tokio::spawn(async move {
            let mut number = 0;
            loop {
                if open.load(Ordering::SeqCst) {
                    queue.send([number.to_string()]).await;
                    times.lock().unwrap().push(Instant::now());
                    number += 1;
                }
                sleep(Duration::from_secs(1)).await;
            }
        });
        Self { sent, flows, task }
    }

    /// Sends no more, and returns when each was sent.
    fn stop(self) -> Vec<Instant> {
        self.task.abort();
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}

struct Setting {
    queue: Queue,
    dead: Queue,
    folder: Recording,
    configuration: Value,
    seen: Seen,
    trickle: Trickle,
    control: Control,
    uuid: String,
    outages: Vec<(Instant, Instant)>,
}

impl Setting {
    async fn new(sqs: &Sqs, visibility_seconds: u64, max_receive_count: u32) -> Self {
        let dead = sqs.queue("dead", QueueOptions::default()).await;
        let options = QueueOptions {
            visibility_timeout: Duration::from_secs(visibility_seconds),
            redrive: Some((dead.arn(), max_receive_count)),
            ..QueueOptions::default()
        };
        let queue = sqs.queue("trickle", options).await;
        let (url, seen) = function().await;
        let configuration = json!({
            "api": { "listen": "127.0.0.1:0" },
            "state_dir": "state",
            "endpoints": { "aws": "http://127.0.0.1:1", "sqs": sqs.endpoint },
            "functions": { "see": { "backend": "http", "url": url } },
            "mappings": [queue.mapping("see", json!({}))],
        });
        let folder = Recording::default();
        let control = Control::start(folder.folder(), &configuration).await;
        let listed = control.client.list_event_source_mappings().send().await;
        let mapping = listed.unwrap().event_source_mappings.unwrap().remove(0);
        let trickle = Trickle::start(queue.clone());
        let setting = Self {
            queue,
            dead,
            folder,
            configuration,
            seen,
            trickle,
            control,
            uuid: mapping.uuid.unwrap(),
            outages: Vec::new(),
        };
        setting.catch_up().await;
        setting
    }

    /// Waits until the function has seen two messages that are sent from now on, so that what came before is
    /// in flight no more.
    async fn catch_up(&self) {
        let next = self.trickle.sent.lock().unwrap().len();
        until("messages come", async || {
            let seen = self.seen.lock().unwrap();
            (seen.contains_key(&next) && seen.contains_key(&(next + 1))).then_some(())
        })
        .await;
    }

    async fn terminate_and_start(mut self) -> Self {
        let begin = Instant::now();
        self.control.stop().await;
        sleep(Duration::from_secs(2)).await;
        self.control = Control::start(self.folder.folder(), &self.configuration).await;
        self.outages.push((begin, Instant::now()));
        self.catch_up().await;
        self
    }

    async fn update(&self, enabled: bool, batch_size: i32) {
        let update = self.control.client.update_event_source_mapping();
        let update = update.uuid(&self.uuid).enabled(enabled);
        update.batch_size(batch_size).send().await.unwrap();
        let state = if enabled { "Enabled" } else { "Disabled" };
        in_state(&self.control.client, &self.uuid, state).await;
    }

    async fn disable_and_enable(mut self) -> Self {
        let begin = Instant::now();
        self.update(false, 10).await;
        sleep(Duration::from_secs(2)).await;
        self.update(true, 10).await;
        self.outages.push((begin, Instant::now()));
        self.catch_up().await;
        self
    }

    async fn change(mut self) -> Self {
        let begin = Instant::now();
        self.update(true, 5).await;
        self.outages.push((begin, Instant::now()));
        self.catch_up().await;
        self
    }

    async fn kill_and_start(mut self) -> Self {
        let begin = Instant::now();
        self.control.daemon.kill().await;
        sleep(Duration::from_secs(3)).await;
        self.control = Control::start(self.folder.folder(), &self.configuration).await;
        self.outages.push((begin, Instant::now()));
        self.catch_up().await;
        self
    }

    /// Kills the daemon when nothing is in flight, and sends the next message when its receives are over.
    async fn kill_in_quiet_and_start(mut self) -> Self {
        self.trickle.flows.store(false, Ordering::SeqCst);
        sleep(RECEIVE).await;
        self.queue.until_empty().await;
        let begin = Instant::now();
        self.control.daemon.kill().await;
        sleep(RECEIVE.mul_f64(1.5)).await;
        self.trickle.flows.store(true, Ordering::SeqCst);
        sleep(2 * RECEIVE).await;
        self.control = Control::start(self.folder.folder(), &self.configuration).await;
        self.outages.push((begin, Instant::now()));
        self.catch_up().await;
        self
    }

    /// Stops everything, and returns what became of each message: how long it waited beyond an outage, its
    /// receive counts, and how long after the beginning of the last outage before it, it was sent.
    async fn end(self) -> Vec<Fate> {
        let sent = self.trickle.stop();
        self.queue.until_empty().await;
        self.control.stop().await;
        assert_eq!(self.dead.bodies().await, [""; 0], "dead without a try");
        let seen = self.seen.lock().unwrap();
        let fate = |(number, &at): (usize, &Instant)| {
            let sights = seen.get(&number);
            let sights = sights.unwrap_or_else(|| panic!("message {number} is lost"));
            let outage = |&&(begin, end): &&(Instant, Instant)| begin <= at && at <= end;
            let end = self.outages.iter().find(outage).map_or(at, |&(_, end)| end);
            let near = |&(begin, _): &(Instant, Instant)| {
                at + RECEIVE >= begin && at <= begin + 2 * RECEIVE
            };
            Fate {
                number,
                waited: sights[0].0.saturating_duration_since(end),
                receives: sights.iter().map(|&(_, count)| count).collect(),
                at_the_beginning: self.outages.iter().any(near),
            }
        };
        sent.iter().enumerate().map(fate).collect()
    }
}

#[derive(Debug)]
struct Fate {
    number: usize,
    waited: Duration,
    receives: Vec<u32>,
    at_the_beginning: bool,
}

fn longest(fates: &[Fate]) -> Duration {
    fates.iter().map(|fate| fate.waited).max().unwrap()
}

/// The queue gives each message to one receive only.
async fn orderly(sqs: Sqs) {
    let setting = Setting::new(&sqs, 30, 1).await;
    let setting = setting.terminate_and_start().await;
    let setting = setting.disable_and_enable().await;
    let setting = setting.change().await;
    let setting = setting.terminate_and_start().await;
    let fates = setting.end().await;
    println!(
        "{} messages, the longest wait {:?}",
        fates.len(),
        longest(&fates)
    );
    for fate in fates {
        assert_eq!(fate.receives, [1], "message {}: {fate:?}", fate.number);
        assert!(fate.waited <= BEYOND, "{fate:?}");
    }
}

async fn killed_in_quiet(sqs: Sqs) {
    let mut setting = Setting::new(&sqs, 30, 1).await;
    for _ in 0..2 {
        setting = setting.kill_in_quiet_and_start().await;
    }
    for fate in setting.end().await {
        assert_eq!(fate.receives, [1], "message {}: {fate:?}", fate.number);
        assert!(fate.waited <= BEYOND_A_KILL, "{fate:?}");
    }
}

async fn killed(sqs: Sqs) {
    let mut setting = Setting::new(&sqs, 2, 10).await;
    for _ in 0..3 {
        setting = setting.kill_and_start().await;
    }
    let fates = setting.end().await;
    println!(
        "{} messages, the longest wait {:?}",
        fates.len(),
        longest(&fates)
    );
    for fate in fates {
        let again = fate.receives != [1];
        assert!(!again || fate.at_the_beginning, "{fate:?}");
        assert!(fate.waited <= BEYOND_A_KILL, "{fate:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_is_received_twice_or_late_over_stops_pauses_and_changes_on_elasticmq() {
    if let Some(sqs) = Sqs::elasticmq() {
        orderly(sqs).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_is_received_twice_or_late_over_stops_pauses_and_changes_on_ministack() {
    if let Some(endpoint) = ministack() {
        orderly(Sqs::at(&endpoint)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_costs_only_what_was_in_flight_on_elasticmq() {
    if let Some(sqs) = Sqs::elasticmq() {
        killed(sqs).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_costs_only_what_was_in_flight_on_ministack() {
    if let Some(endpoint) = ministack() {
        killed(Sqs::at(&endpoint)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_after_a_kill_no_message_is_hidden_any_more_on_elasticmq() {
    if let Some(sqs) = Sqs::elasticmq() {
        killed_in_quiet(sqs).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_after_a_kill_no_message_is_hidden_any_more_on_ministack() {
    if let Some(endpoint) = ministack() {
        killed_in_quiet(Sqs::at(&endpoint)).await;
    }
}
