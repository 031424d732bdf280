//! Who else is on the machine: another user, and the pages of its browser. They get no event, and make no mapping.

use std::collections::HashSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lambda_esm_tests::{Daemon, FUNCTIONS, Python, Queue, QueueOptions, Recording, Sqs, variable};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::{Instant, interval, timeout};

use crate::scene::{MAPPINGS, alone, get};

/// How many seconds strangers try; for the whole ten minutes set it to 600.
const VARIABLE: &str = "LAMBDA_ESM_STRANGERS_SECONDS";
const SECONDS: u64 = 15;
/// What the browser takes for the address of a host on the internet.
const PAGE_HOST: &str = "stranger.test";
/// Where that host is, in truth.
const PAGE_ADDRESS: &str = "127.0.0.2";

fn duration() -> Duration {
    let seconds = std::env::var(VARIABLE).ok();
    Duration::from_secs(seconds.map_or(SECONDS, |seconds| seconds.parse().unwrap()))
}

/// A daemon whose function runs in new environments all the time, each of which is slow to ask for its event.
struct Prey {
    daemon: Daemon,
    api: SocketAddr,
    queue: Queue,
    recording: Recording,
}

impl Prey {
    async fn start(sqs: &Sqs, python: &Python) -> Self {
        let queue = sqs.queue("prey", QueueOptions::default()).await;
        let recording = Recording::default();
        let function = json!({
            "backend": "process",
            "command": [python.program(), "hostile.py", "once"],
            "working_dir": FUNCTIONS,
            "concurrency": 4,
            "timeout": 10,
            "env": { "RECORD_FILE": recording.file() },
        });
        let configuration = json!({
            "api": { "listen": "127.0.0.1:0" },
            "endpoints": { "aws": "http://127.0.0.1:1", "sqs": sqs.endpoint },
            "functions": { "once": function, "*": { "backend": "simulated" } },
            "mappings": [queue.mapping("once", json!({ "BatchSize": 1 }))],
        });
        let daemon = Daemon::start(recording.folder(), &configuration);
        let api = daemon.api().await;
        let api = api.strip_prefix("http://").unwrap().parse().unwrap();
        Self {
            daemon,
            api,
            queue,
            recording,
        }
    }

    /// Sends a message twice a second while strangers try; returns how many.
    async fn feed(&self) -> usize {
        let end = Instant::now() + duration();
        let mut ticks = interval(Duration::from_millis(500));
        let mut sent = 0;
        while Instant::now() < end {
            ticks.tick().await;
            self.queue.send([format!("event {sent}")]).await;
            sent += 1;
        }
        sent
    }

    /// Every event reached the function, once, and there is no other mapping.
    async fn ends_unharmed(self, sent: usize) {
        self.queue.until_empty().await;
        let recorded: Vec<Value> = self.recording.lines();
        let ids: HashSet<_> = recorded.iter().map(Value::to_string).collect();
        let (_, listed) = get(self.api, MAPPINGS).await.unwrap();
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let mappings = listed["EventSourceMappings"].as_array().unwrap().len();
        let (status, _) = self.daemon.stop().await;
        assert_eq!(
            (recorded.len(), ids.len(), mappings, status.code()),
            (sent, sent, 1, Some(0)),
            "events at the function, different ones, mappings, exit status"
        );
    }
}

/// Returns the ports on which a process listens on 127.0.0.1.
fn listening(pid: u32) -> HashSet<u16> {
    let mut sockets = HashSet::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten() {
        // A descriptor may be closed while they are looked at.
        let target = fs::read_link(entry.path()).unwrap_or_default();
        let target = target.to_string_lossy().into_owned();
        if let Some(inode) = target.strip_prefix("socket:[") {
            sockets.insert(inode.trim_end_matches(']').to_owned());
        }
    }
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let ports = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let port = fields[1].strip_prefix("0100007F:")?;
        let listens = fields[3] == "0A" && sockets.contains(fields[9]);
        listens.then(|| u16::from_str_radix(port, 16).unwrap())
    });
    ports.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_user_of_the_machine_gets_no_event() {
    let (Some(sqs), Some(python)) = (Sqs::elasticmq(), Python::find()) else {
        return;
    };
    let user = fs::metadata("/proc/self").map(|meta| std::os::unix::fs::MetadataExt::uid(&meta));
    let user = user.unwrap();
    let _alone = alone().await;
    let prey = Prey::start(&sqs, &python).await;
    let script = fs::read_to_string(Path::new(FUNCTIONS).join("stranger.py")).unwrap();
    let stranger = Command::new(python.program())
        .args(["-c", &script])
        .args([duration().as_secs().to_string(), user.to_string()])
        .arg(prey.api.port().to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let (sent, stranger) = tokio::join!(prey.feed(), stranger);
    let stranger = stranger.unwrap();
    let said = String::from_utf8_lossy(&stranger.stdout).into_owned();
    let error = String::from_utf8_lossy(&stranger.stderr).into_owned();
    let counts: Vec<u64> = said
        .split_whitespace()
        .map(|count| count.parse().unwrap())
        .collect();
    println!("another user: asked and taken {counts:?}");
    assert!(
        counts.first().is_some_and(|&asked| asked > 20),
        "{said} {error}"
    );
    assert_eq!(counts[1], 0, "events taken of {sent}");
    let log = prey.daemon.log();
    assert!(
        log.iter().any(|line| line.contains("refused")),
        "nothing is logged"
    );
    prey.ends_unharmed(sent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_in_a_browser_gets_no_event_and_makes_no_mapping() {
    let (Some(sqs), Some(python), Some(chromium)) = (
        Sqs::elasticmq(),
        Python::find(),
        variable("LAMBDA_ESM_TEST_CHROMIUM"),
    ) else {
        return;
    };
    let _alone = alone().await;
    let prey = Prey::start(&sqs, &python).await;
    let host = Host::start(&prey).await;
    let profile = Recording::default();
    let mut browser = Command::new(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .arg(format!(
            "--host-resolver-rules=MAP *{PAGE_HOST} {PAGE_ADDRESS}"
        ))
        .arg(format!("--user-data-dir={}", profile.folder().display()))
        .args(["--remote-debugging-port=0", &host.url])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let sent = prey.feed().await;
    browser.kill().await.unwrap();
    let tried = host.tried.load(Ordering::Relaxed);
    println!("a page: tried {tried} times, {sent} events");
    assert!(tried > 100, "the page tried {tried} times");
    prey.ends_unharmed(sent).await;
}

/// The server of the page: first it is somewhere else, with the port of the API, and then its name leads to the API,
/// as when somebody rebinds a name. What it is asked then reaches the API as the browser says it.
struct Host {
    url: String,
    /// How many requests the page says that it made.
    tried: Arc<AtomicU64>,
}

impl Host {
    async fn start(prey: &Prey) -> Self {
        let api = prey.api;
        let pid = prey.daemon.pid();
        let page = fs::read_to_string(Path::new(FUNCTIONS).join("page.html")).unwrap();
        let page = page
            .replace("API", &api.port().to_string())
            .replace("ARN", &prey.queue.arn());
        let listener = TcpListener::bind((PAGE_ADDRESS, api.port())).await.unwrap();
        let tried = Arc::new(AtomicU64::new(0));
        let count = tried.clone();
        tokio::spawn(async move {
            let page = Arc::new(page);
            while let Ok((stream, _)) = listener.accept().await {
                let (page, count) = (page.clone(), count.clone());
                tokio::spawn(async move {
                    // The browser may leave at any time.
                    drop(answer(stream, api, pid, &page, &count).await);
                });
            }
        });
        Self {
            url: format!("http://{PAGE_HOST}:{}/", api.port()),
            tried,
        }
    }
}

async fn answer(
    mut stream: TcpStream,
    api: SocketAddr,
    pid: u32,
    page: &str,
    tried: &AtomicU64,
) -> std::io::Result<()> {
    let mut request = vec![0; 64 * 1024];
    let length = timeout(Duration::from_secs(5), stream.read(&mut request)).await??;
    request.truncate(length);
    let text = String::from_utf8_lossy(&request).into_owned();
    let body = match text.split(' ').take(2).collect::<Vec<_>>().as_slice() {
        ["GET", "/"] => page.to_owned(),
        // Of another name, since a browser opens few connections to each.
        ["GET", "/ports"] => {
            let mut ports = listening(pid);
            ports.remove(&api.port());
            json!(ports).to_string()
        }
        ["POST", "/tried"] => {
            let mut count = text
                .rsplit_once("\r\n\r\n")
                .unwrap_or_default()
                .1
                .to_owned();
            if count.is_empty() {
                let mut late = [0; 16];
                let length = stream.read(&mut late).await?;
                count = String::from_utf8_lossy(&late[..length]).into_owned();
            }
            tried.fetch_add(count.parse().unwrap_or_default(), Ordering::Relaxed);
            String::new()
        }
        _ => {
            let mut rebound = TcpStream::connect(api).await?;
            rebound.write_all(&request).await?;
            tokio::io::copy_bidirectional(&mut stream, &mut rebound).await?;
            return Ok(());
        }
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await
}
