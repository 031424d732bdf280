//! A server that answers one operation as no server should, and counts what is taken from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use crate::kinesis_failures::SUMMARY;

/// The most that is sent, should nobody stop reading.
const ENOUGH: u64 = 300 << 20;

/// How the operation is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// With these bytes, the head included. `@` stands for the number of the request.
    Whole(&'static str),
    /// With a body, after a head with status 200.
    Body(fn(usize) -> String),
    /// With these bytes, the head included, and then with others for ever.
    Endless(&'static str, &'static [u8]),
    /// The same, a byte a second.
    Dribbled(&'static str, &'static [u8]),
}

/// The server. Other operations are answered as they should be.
#[derive(Debug)]
pub(crate) struct StandIn {
    pub(crate) url: String,
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct Counts {
    operation: &'static str,
    answer: Answer,
    asked: AtomicUsize,
    sent: AtomicU64,
}

impl StandIn {
    /// Returns a server that gives `answer` to `operation`, and to every request if that is empty.
    pub(crate) fn start(operation: &'static str, answer: Answer) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // What waits in the kernel is not taken.
        socket.set_send_buffer_size(64 << 10).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(64).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let counts = Arc::new(Counts {
            operation,
            answer,
            asked: AtomicUsize::new(0),
            sent: AtomicU64::new(0),
        });
        let shared = Arc::clone(&counts);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counts = Arc::clone(&shared);
                tokio::spawn(async move { counts.serve(stream).await });
            }
        });
        Self { url, counts }
    }

    /// Returns how often the operation was asked for.
    pub(crate) fn asked(&self) -> usize {
        self.counts.asked.load(Ordering::Relaxed)
    }

    /// Returns how many bytes of its answers left the server.
    pub(crate) fn sent(&self) -> u64 {
        self.counts.sent.load(Ordering::Relaxed)
    }
}

impl Counts {
    async fn serve(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(operation) = read(&mut stream).await {
            let answered = if operation == self.operation || self.operation.is_empty() {
                let number = self.asked.fetch_add(1, Ordering::Relaxed);
                self.answer(&mut stream, number).await
            } else {
                stream.write_all(&ok(decent(&operation))).await.ok()
            };
            if answered.is_none() {
                return;
            }
        }
    }

    async fn answer(&self, stream: &mut BufReader<TcpStream>, number: usize) -> Option<()> {
        match self.answer {
            Answer::Whole(answer) => {
                let answer = answer.replace('@', &number.to_string());
                self.send(stream, answer.as_bytes()).await
            }
            Answer::Body(body) => self.send(stream, &ok(&body(number))).await,
            Answer::Endless(head, piece) => {
                self.send(stream, head.as_bytes()).await?;
                let pieces = piece.repeat((64 << 10) / piece.len());
                while self.sent.load(Ordering::Relaxed) < ENOUGH {
                    self.send(stream, &pieces).await?;
                }
                None
            }
            Answer::Dribbled(head, piece) => {
                self.send(stream, head.as_bytes()).await?;
                for byte in piece.iter().cycle().take(3_600) {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    self.send(stream, &[*byte]).await?;
                }
                None
            }
        }
    }

    async fn send(&self, stream: &mut BufReader<TcpStream>, bytes: &[u8]) -> Option<()> {
        for piece in bytes.chunks(64 << 10) {
            stream.write_all(piece).await.ok()?;
            let length = piece.len().try_into().unwrap();
            self.sent.fetch_add(length, Ordering::Relaxed);
        }
        Some(())
    }
}

fn ok(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

/// Returns the answer that an operation should have.
fn decent(operation: &str) -> &'static str {
    match operation {
        "GetQueueUrl" => r#"{"QueueUrl":"http://127.0.0.1:1/000000000000/orders"}"#,
        "DescribeStreamSummary" => SUMMARY,
        "DescribeStream" => r#"{"StreamDescription":{"Shards":[]}}"#,
        _ => "{}",
    }
}

/// Reads a request, and returns its operation.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let (mut length, mut operation) = (0, String::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            match line.trim_end() {
                "" => break,
                _ => continue,
            }
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "x-amz-target" => operation = value.rsplit('.').next().unwrap().to_owned(),
            _ => {}
        }
    }
    stream.read_exact(&mut vec![0; length]).await.ok()?;
    Some(operation)
}
