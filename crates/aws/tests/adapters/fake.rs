//! A server that answers as it is told, on a port of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The request line: method, target and version.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Seen {
    fn gone() -> Self {
        Self {
            line: "gone".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Returns the operation that the JSON protocols name in a header.
    pub(crate) fn operation(&self) -> &str {
        let target = self.header("x-amz-target").unwrap_or(&self.line);
        target.rsplit('.').next().unwrap()
    }

    /// Returns the value of a header by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What to answer.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Status, headers and body.
    Http(u16, Vec<(&'static str, &'static str)>, Vec<u8>),
    /// Status 200, headers and the beginning of a body that never ends. When the client has enough of it,
    /// that is seen as a request with the line `gone`.
    Endless(Vec<(&'static str, &'static str)>, Vec<u8>),
    /// Close the connection.
    Hangup,
    /// Keep it open, and say nothing.
    Silence,
}

/// Returns an answer with a body and headers.
pub(crate) fn reply(
    status: u16,
    headers: &[(&'static str, &'static str)],
    body: impl Into<Vec<u8>>,
) -> Reply {
    Reply::Http(status, headers.to_vec(), body.into())
}

/// The server; the last reply is repeated.
#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Fake {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let replies = Arc::new(Mutex::new(replies.into_iter().collect::<VecDeque<_>>()));
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log), Arc::clone(&replies)));
            }
        });
        Self { url, seen }
    }

    /// Returns all requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// Lets `time` pass for everybody but the wires.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

async fn serve(
    stream: TcpStream,
    log: Arc<Mutex<Vec<Seen>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(seen) = read(&mut stream).await {
        log.lock().unwrap().push(seen);
        let reply = {
            let mut replies = replies.lock().unwrap();
            let next = replies.front().cloned().unwrap();
            if replies.len() > 1 {
                replies.pop_front();
            }
            next
        };
        match reply {
            Reply::Hangup => return,
            Reply::Silence => std::future::pending().await,
            Reply::Endless(headers, body) => {
                let mut head = format!(
                    "HTTP/1.1 200 Status\r\ntransfer-encoding: chunked\r\n{}\r\n",
                    lines(&headers)
                );
                head.push_str(&format!("{:x}\r\n", body.len()));
                let answer = [head.into_bytes(), body, b"\r\n".to_vec()].concat();
                if stream.write_all(&answer).await.is_ok() {
                    let _end = stream.read_u8().await;
                }
                log.lock().unwrap().push(Seen::gone());
                return;
            }
            Reply::Http(status, headers, body) => {
                let head = format!(
                    "HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n{}\r\n",
                    body.len(),
                    lines(&headers)
                );
                let answer = [head.into_bytes(), body].concat();
                if stream.write_all(&answer).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn lines(headers: &[(&str, &str)]) -> String {
    headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect()
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers: Vec<(String, String)> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Seen {
        line: lines.swap_remove(0),
        headers,
        body,
    })
}
