//! A server that says whatever a row of the tables tells it to say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The most that is sent on one connection, so that what never ends ends here.
const MOST_BYTES: u64 = 1 << 30;
/// The largest request that is read.
const REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// A request.
pub(crate) struct Asked {
    /// The operation that the JSON protocols name in a header, else the path.
    pub(crate) operation: String,
    pub(crate) body: Vec<u8>,
    /// How many requests of all connections came before.
    pub(crate) before: u64,
    /// Where the server is.
    pub(crate) url: String,
}

impl Asked {
    /// Returns the body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A part of an answer.
pub(crate) enum Part {
    Send(Bytes),
    /// The same again and again.
    Endless(Bytes),
    /// The same again and again, with a pause between.
    Dribble(Bytes, Duration),
    /// Nothing more, and the connection stays.
    Silence,
}

/// An answer.
pub(crate) type Reply = Vec<Part>;

/// What decides on answers.
pub(crate) type Answering = Arc<dyn Fn(&Asked) -> Reply + Send + Sync>;

/// Returns an answer with a JSON body.
pub(crate) fn json(value: &Value) -> Reply {
    whole(200, &value.to_string())
}

/// Returns an answer with a body.
pub(crate) fn whole(status: u16, body: &str) -> Reply {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Stand-in\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\n\r\n"
    );
    vec![Part::Send(Bytes::from(head + body))]
}

/// Returns the head of an answer with these headers, and what follows.
pub(crate) fn begun(status: u16, headers: &str, rest: impl IntoIterator<Item = Part>) -> Reply {
    let head = format!("HTTP/1.1 {status} Stand-in\r\n{headers}\r\n");
    let mut reply = vec![Part::Send(Bytes::from(head))];
    reply.extend(rest);
    reply
}

/// Returns a body that begins with `first` and never ends.
pub(crate) fn endless(status: u16, first: &str, again: &str) -> Reply {
    let length = u64::MAX / 4;
    let parts = [
        Part::Send(Bytes::from(first.to_owned())),
        Part::Endless(Bytes::from(again.repeat(65_536 / again.len().max(1)))),
    ];
    begun(status, &format!("Content-Length: {length}\r\n"), parts)
}

/// The server. It ends when dropped.
pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl StandIn {
    pub(crate) async fn start(answering: Answering) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let count = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, address, answering.clone(), count.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    answering: Answering,
    count: Arc<AtomicU64>,
) {
    let mut stream = BufReader::new(stream);
    let mut left = MOST_BYTES;
    while let Some((operation, body)) = read(&mut stream).await {
        let asked = Asked {
            operation,
            body,
            before: count.fetch_add(1, Ordering::Relaxed),
            url: format!("http://{address}"),
        };
        for part in answering(&asked) {
            if say(&mut stream, part, &mut left).await.is_none() {
                return;
            }
        }
    }
}

/// Returns `None` when the connection is of no more use.
async fn say(stream: &mut BufReader<TcpStream>, part: Part, left: &mut u64) -> Option<()> {
    match part {
        Part::Send(bytes) => {
            *left = left.checked_sub(bytes.len() as u64)?;
            stream.write_all(&bytes).await.ok()
        }
        Part::Endless(bytes) => loop {
            *left = left.checked_sub(bytes.len() as u64)?;
            stream.write_all(&bytes).await.ok()?;
        },
        Part::Dribble(bytes, pause) => loop {
            *left = left.checked_sub(bytes.len() as u64)?;
            stream.write_all(&bytes).await.ok()?;
            sleep(pause).await;
        },
        Part::Silence => {
            let mut rest = Vec::new();
            let ended = stream.take(MOST_BYTES).read_to_end(&mut rest).await;
            ended.ok().map(drop)
        }
    }
}

/// Reads one request: what it asks for, and its body.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut operation = line.split_whitespace().nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let header = line.trim_end();
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':')?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "x-amz-target" => operation = value.rsplit('.').next()?.trim().to_owned(),
            _ => {}
        }
    }
    if length > REQUEST_BYTES {
        return None;
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((operation, body))
}
