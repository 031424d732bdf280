//! A daemon with a steady mapping, and somebody who watches both.

use std::collections::HashMap;
use std::fmt::Display;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lambda_esm_tests::{Daemon, Queue, QueueOptions, Recording, Sqs, resident};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::stand_in::{StandIn, whole};

/// What the daemon may use, whoever attacks it.
const MOST_MEMORY_MB: u64 = 200;
const SLOW_HEALTH: Duration = Duration::from_millis(100);
/// Of how many answers of `/healthz` one may be slow, so that a hiccup of the machine is not blamed on the daemon, and
/// how slow that one may be.
const ONE_SLOW_OF: usize = 10;
const SLOWEST_HEALTH: Duration = Duration::from_secs(3);
/// How much later than at once a message of the steady mapping may arrive. On an idle machine it is a small part of
/// a second; but this process sends hundreds of megabytes meanwhile, and the server of the queue has two cores to share.
const LATEST: Duration = Duration::from_secs(10);
/// How long an attack lasts at least.
const LEAST: Duration = Duration::from_secs(3);
const GONE_WITHIN: Duration = Duration::from_secs(15);

pub(crate) const MAPPINGS: &str = "/2015-03-31/event-source-mappings";

pub(crate) struct Scene {
    pub(crate) daemon: Daemon,
    pub(crate) api: SocketAddr,
    watched: Watched,
    _recording: Recording,
    _alone: Alone,
}

/// While it is held, nothing else of these tests goes on.
pub(crate) type Alone = tokio::sync::MutexGuard<'static, ()>;

/// Waits until nothing else of these tests goes on: what one attack takes would be blamed on another.
pub(crate) async fn alone() -> Alone {
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    ALONE.lock().await
}

/// What is watched of a daemon.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) pid: u32,
    pub(crate) api: SocketAddr,
    queue: Queue,
    arrivals: Arrivals,
    wrong: Arc<Mutex<Vec<String>>>,
    _function: Arc<StandIn>,
}

/// When each body arrived at the steady mapping's function.
type Arrivals = Arc<Mutex<HashMap<String, Vec<Instant>>>>;

/// The queue and the function of the steady mapping, to be put into a configuration.
pub(crate) struct Steady {
    queue: Queue,
    arrivals: Arrivals,
    function: StandIn,
}

impl Steady {
    pub(crate) async fn new(sqs: &Sqs) -> Self {
        let arrivals = Arrivals::default();
        let seen = arrivals.clone();
        let function = StandIn::start(Arc::new(move |asked| {
            for record in asked.json()["Records"].as_array().into_iter().flatten() {
                let body = record["body"].as_str().unwrap_or_default().to_owned();
                seen.lock()
                    .unwrap()
                    .entry(body)
                    .or_default()
                    .push(Instant::now());
            }
            whole(200, "null")
        }))
        .await;
        Self {
            queue: sqs.queue("steady", QueueOptions::default()).await,
            arrivals,
            function,
        }
    }

    /// Returns a configuration with it, and with further functions and endpoints of ARNs.
    pub(crate) fn configuration(
        &self,
        sqs: &Sqs,
        functions: Map<String, Value>,
        arns: Map<String, Value>,
    ) -> Value {
        let mut all = functions;
        let steady = json!({ "backend": "http", "url": self.function.url(), "timeout": 5 });
        all.insert("steady".to_owned(), steady);
        json!({
            "api": { "listen": "127.0.0.1:0" },
            "state_dir": "state",
            "endpoints": { "aws": "http://127.0.0.1:1", "sqs": sqs.endpoint, "arns": arns },
            "functions": all,
            "mappings": [self.queue.mapping("steady", json!({ "BatchSize": 1 }))],
        })
    }

    pub(crate) fn watched(self, pid: u32, api: SocketAddr) -> Watched {
        Watched {
            pid,
            api,
            queue: self.queue,
            arrivals: self.arrivals,
            wrong: Arc::default(),
            _function: Arc::new(self.function),
        }
    }
}

impl Scene {
    /// Starts a daemon with these functions beside the steady one, and these endpoints of ARNs.
    pub(crate) async fn start(
        sqs: &Sqs,
        functions: Map<String, Value>,
        arns: Map<String, Value>,
    ) -> Self {
        let alone = alone().await;
        let steady = Steady::new(sqs).await;
        let recording = Recording::default();
        let configuration = steady.configuration(sqs, functions, arns);
        let daemon = Daemon::start(recording.folder(), &configuration);
        let api = daemon.api().await;
        let api = api.strip_prefix("http://").unwrap().parse().unwrap();
        Self {
            watched: steady.watched(daemon.pid(), api),
            daemon,
            api,
            _recording: recording,
            _alone: alone,
        }
    }

    /// Watches the daemon while `attack` goes on.
    pub(crate) async fn during<T>(&self, row: &str, attack: impl Future<Output = T>) -> T {
        self.watched.during(row, attack).await
    }

    /// Notes that something was not as it must be; [`stop`](Self::stop) fails then.
    pub(crate) fn wrong(&self, row: &str, what: impl Display) {
        self.watched.wrong(row, what);
    }

    /// Creates a row's mapping, and returns its UUID.
    pub(crate) async fn create(&self, row: &str, request: &Value) -> Option<String> {
        let created = self.post(MAPPINGS, request).await;
        let answer = match &created {
            Ok((202, answer)) => serde_json::from_str(answer).unwrap_or_default(),
            _ => Value::Null,
        };
        let uuid = answer["UUID"].as_str().map(str::to_owned);
        if uuid.is_none() {
            self.wrong(row, format!("creating it: {created:?}"));
        }
        uuid
    }

    pub(crate) async fn post(&self, path: &str, request: &Value) -> Result<(u16, String), String> {
        let body = request.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.api,
            body.len()
        );
        ask(self.api, &(head + &body)).await
    }

    /// Returns what the API says of a mapping.
    pub(crate) async fn status(&self, uuid: &str) -> Option<Value> {
        let (_, body) = get(self.api, "/status").await.ok()?;
        let body: Value = serde_json::from_str(&body).ok()?;
        let mappings = body["mappings"].as_array()?;
        mappings.iter().find(|each| each["uuid"] == uuid).cloned()
    }

    /// Deletes a mapping of a row: it must be gone soon, whatever it is busy with.
    pub(crate) async fn delete(&self, row: &str, uuid: &str) {
        let request = format!(
            "DELETE {MAPPINGS}/{uuid} HTTP/1.1
Host: {}
Connection: close

",
            self.api
        );
        let answer = ask(self.api, &request).await;
        if !matches!(answer, Ok((202, _))) {
            self.wrong(row, format!("deleting it: {answer:?}"));
        }
        let gone = async || self.status(uuid).await.is_none().then_some(());
        if within(GONE_WITHIN, gone).await.is_none() {
            self.wrong(row, format!("it is not gone after {GONE_WITHIN:?}"));
        }
    }

    /// Stops the daemon: in order and in time.
    pub(crate) async fn stop(self) {
        let began = Instant::now();
        let (status, _) = self.daemon.stop().await;
        assert_eq!(status.code(), Some(0), "{status}");
        let took = began.elapsed();
        assert!(took < Duration::from_secs(15), "stopping took {took:?}");
        self.watched.finish();
    }
}

/// Asks again and again until there is an answer, for a time.
pub(crate) async fn within<T>(
    patience: Duration,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> Option<T> {
    let end = Instant::now() + patience;
    while Instant::now() < end {
        if let Some(answer) = ask().await {
            return Some(answer);
        }
        sleep(Duration::from_millis(50)).await;
    }
    None
}

/// What was seen of the daemon during an attack.
#[derive(Debug, Default)]
struct Figures {
    memory_mb: u64,
    descriptors: usize,
    health: Vec<Duration>,
    unanswered: Vec<String>,
}

impl Watched {
    pub(crate) async fn during<T>(&self, row: &str, attack: impl Future<Output = T>) -> T {
        let figures = Arc::new(Mutex::new(Figures::default()));
        let over = Arc::new(AtomicBool::new(false));
        let attack = async {
            let least = sleep(LEAST);
            let (result, ()) = tokio::join!(attack, least);
            over.store(true, Ordering::Relaxed);
            result
        };
        let (result, sent, (), ()) = tokio::join!(
            attack,
            self.send(row, &over),
            self.sample(&figures, &over),
            self.probe(&figures, &over),
        );
        // The last message may be on its way.
        let arrived = async || {
            let arrivals = self.arrivals.lock().unwrap();
            let all = sent.iter().all(|(body, _)| arrivals.contains_key(body));
            all.then_some(())
        };
        within(LATEST, arrived).await;
        self.judge(row, &figures.lock().unwrap(), &sent);
        result
    }

    /// Sends one message a second.
    async fn send(&self, row: &str, over: &AtomicBool) -> Vec<(String, Instant)> {
        let mut sent = Vec::new();
        let mut seconds = interval(Duration::from_secs(1));
        while !over.load(Ordering::Relaxed) {
            seconds.tick().await;
            let body = format!("{row} {}", sent.len());
            sent.push((body.clone(), Instant::now()));
            self.queue.send([body]).await;
        }
        sent
    }

    async fn sample(&self, figures: &Mutex<Figures>, over: &AtomicBool) {
        let folder = format!("/proc/{}/fd", self.pid);
        let mut ticks = interval(Duration::from_millis(20));
        while !over.load(Ordering::Relaxed) {
            ticks.tick().await;
            let memory = resident(self.pid) / 1024;
            let descriptors = fs::read_dir(&folder).unwrap().count();
            let mut figures = figures.lock().unwrap();
            figures.memory_mb = figures.memory_mb.max(memory);
            figures.descriptors = figures.descriptors.max(descriptors);
        }
    }

    /// Asks for `/healthz` from a thread of its own, which waits for nothing else of this process.
    async fn probe(&self, figures: &Arc<Mutex<Figures>>, over: &Arc<AtomicBool>) {
        let (api, figures, over) = (self.api, figures.clone(), over.clone());
        let probing = tokio::task::spawn_blocking(move || {
            while !over.load(Ordering::Relaxed) {
                let began = Instant::now();
                let answer = health(api);
                let took = began.elapsed();
                let mut figures = figures.lock().unwrap();
                match answer {
                    Ok(()) => figures.health.push(took),
                    Err(error) => figures.unanswered.push(format!("{error} after {took:?}")),
                }
                drop(figures);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        probing.await.unwrap();
    }

    fn judge(&self, row: &str, figures: &Figures, sent: &[(String, Instant)]) {
        let arrivals = self.arrivals.lock().unwrap();
        let mut latest = Duration::ZERO;
        for (body, at) in sent {
            match arrivals.get(body).map(Vec::as_slice) {
                Some([arrived]) => latest = latest.max(arrived.duration_since(*at)),
                other => {
                    let times = other.map_or(0, <[_]>::len);
                    self.wrong(row, format!("{body:?} arrived {times} times"));
                }
            }
        }
        let mut health = figures.health.clone();
        health.sort_unstable();
        let slowest = health.last().copied().unwrap_or(Duration::MAX);
        let half = descriptor_limit(self.pid) / 2;
        println!(
            "{row}: {} MB, {} descriptors, /healthz {slowest:?} at most of {}, messages {latest:?} at most of {}",
            figures.memory_mb,
            figures.descriptors,
            health.len(),
            sent.len()
        );
        let rule = |held: bool, text: String| {
            if !held {
                self.wrong(row, text);
            }
        };
        rule(
            figures.memory_mb < MOST_MEMORY_MB,
            format!("{} MB of memory", figures.memory_mb),
        );
        rule(
            figures.descriptors < half,
            format!("{} descriptors, the half is {half}", figures.descriptors),
        );
        rule(
            figures.unanswered.is_empty(),
            format!("/healthz failed: {:?}", figures.unanswered),
        );
        let slow = health.iter().filter(|&&took| took > SLOW_HEALTH).count();
        rule(
            slowest < SLOWEST_HEALTH && slow <= 1 + health.len() / ONE_SLOW_OF,
            format!("/healthz took {slowest:?}, and {slow} times more than {SLOW_HEALTH:?}"),
        );
        rule(latest < LATEST, format!("a message took {latest:?}"));
    }

    fn wrong(&self, row: &str, what: impl Display) {
        let wrong = format!("{row}: {what}");
        println!("WRONG {wrong}");
        self.wrong.lock().unwrap().push(wrong);
    }

    /// Fails if anything was not as it must be.
    pub(crate) fn finish(&self) {
        for (body, times) in self.arrivals.lock().unwrap().iter() {
            if times.len() > 1 {
                self.wrong(
                    "in the end",
                    format!("{body:?} arrived {} times", times.len()),
                );
            }
        }
        let wrong = self.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// Asks whether the daemon lives.
fn health(api: SocketAddr) -> std::io::Result<()> {
    let patience = Some(Duration::from_secs(60));
    let mut stream = std::net::TcpStream::connect(api)?;
    stream.set_read_timeout(patience)?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {api}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    Err(std::io::Error::other(answer))
}

/// Returns how many descriptors a process may have.
fn descriptor_limit(pid: u32) -> usize {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.unwrap().split_whitespace().next().unwrap();
    soft.parse().unwrap()
}

pub(crate) async fn get(api: SocketAddr, path: &str) -> Result<(u16, String), String> {
    ask(
        api,
        &format!("GET {path} HTTP/1.1\r\nHost: {api}\r\nConnection: close\r\n\r\n"),
    )
    .await
}

/// Sends a request on a connection of its own, and returns the status and body of the answer.
pub(crate) async fn ask(api: SocketAddr, request: &str) -> Result<(u16, String), String> {
    let answer = async {
        let mut stream = TcpStream::connect(api).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer: std::io::Result<String> = timeout(Duration::from_secs(60), answer)
        .await
        .map_err(|_| "no answer within a minute".to_owned())?;
    let answer = answer.map_err(|error| error.to_string())?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Ok((status.ok_or("no status")?, body.to_owned()))
}
