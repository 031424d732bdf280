//! A Lambda API with one function, which does nothing.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// The API, and the events that it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) port: u16,
    events: Arc<Mutex<Vec<(Instant, String)>>>,
}

impl Function {
    pub(crate) async fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let function = Self {
            port: listener.local_addr().unwrap().port(),
            events: Arc::default(),
        };
        let serving = function.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serving.clone().answer(stream));
            }
        });
        function
    }

    /// Returns when an event came that holds `text`.
    pub(crate) fn saw(&self, text: &str) -> Option<Instant> {
        let events = self.events.lock().unwrap();
        let mut events = events.iter();
        let seen = events.find(|(_, event)| event.contains(text));
        seen.map(|(time, _)| *time)
    }

    async fn answer(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let mut request = String::new();
        while stream.read_line(&mut request).await.unwrap_or(0) > 0 {
            if !request.ends_with("\r\n\r\n") {
                continue;
            }
            let head = request.to_ascii_lowercase();
            let length = head.split_once("content-length: ").map_or(0, |(_, rest)| {
                let (length, _) = rest.split_once('\r').unwrap();
                length.parse().unwrap()
            });
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.unwrap();
            let event = (Instant::now(), String::from_utf8(body).unwrap());
            self.events.lock().unwrap().push(event);
            let answer = "HTTP/1.1 200 OK\r\nx-amz-executed-version: $LATEST\r\ncontent-length: 4\r\n\r\nnull";
            stream.write_all(answer.as_bytes()).await.unwrap();
            request.clear();
        }
    }
}
