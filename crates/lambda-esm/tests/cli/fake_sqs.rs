//! Small servers for the daemon: a queue that speaks SQS's JSON protocol, and an HTTP function.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

struct Request {
    operation: String,
    body: Vec<u8>,
}

/// Serves HTTP on a port of its own: `answer` is asked on the connection's thread, so it may wait.
fn serve(answer: impl Fn(Request) -> (u16, String) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || converse(stream, answer.as_ref()));
        }
    });
    url
}

fn converse(stream: TcpStream, answer: &(dyn Fn(Request) -> (u16, String) + Send + Sync)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some(request) = read(&mut reader) {
        let (status, body) = answer(request);
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        if writer.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let (mut operation, mut length) = (String::new(), 0);
    for index in 0.. {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" && index > 0 {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "x-amz-target" => operation = value.trim().trim_start_matches("AmazonSQS.").to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { operation, body })
}

/// A queue.
pub(crate) struct FakeSqs {
    pub(crate) url: String,
    deleted: Arc<Mutex<Vec<String>>>,
}

impl FakeSqs {
    /// Starts a queue that holds these messages.
    pub(crate) fn with(bodies: &[&str]) -> Self {
        let messages: VecDeque<String> = bodies.iter().map(|body| (*body).to_owned()).collect();
        let messages = Mutex::new(messages);
        let deleted = Arc::<Mutex<Vec<String>>>::default();
        let seen = deleted.clone();
        let url = serve(move |request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            let answer = match request.operation.as_str() {
                "GetQueueUrl" => json!({ "QueueUrl": "http://queue.test/000000000000/orders" }),
                "GetQueueAttributes" => json!({ "Attributes": { "VisibilityTimeout": "30" } }),
                "ReceiveMessage" => receive(&messages),
                "DeleteMessageBatch" => settle(&body, Some(&seen)),
                _ => settle(&body, None),
            };
            (200, answer.to_string())
        });
        Self { url, deleted }
    }

    /// Returns the receipts of the messages that were deleted.
    pub(crate) fn deleted(&self) -> Vec<String> {
        self.deleted.lock().unwrap().clone()
    }
}

fn receive(messages: &Mutex<VecDeque<String>>) -> Value {
    let Some(body) = messages.lock().unwrap().pop_front() else {
        // A long poll, shortened.
        thread::sleep(Duration::from_millis(200));
        return json!({});
    };
    json!({ "Messages": [{ "MessageId": format!("id-{body}"), "ReceiptHandle": body, "Body": body,
        "MD5OfBody": "", "Attributes": { "ApproximateReceiveCount": "1" } }] })
}

fn settle(request: &Value, receipts: Option<&Mutex<Vec<String>>>) -> Value {
    let entries = request["Entries"].as_array().cloned().unwrap_or_default();
    if let Some(receipts) = receipts {
        let given = entries
            .iter()
            .filter_map(|entry| entry["ReceiptHandle"].as_str());
        receipts.lock().unwrap().extend(given.map(str::to_owned));
    }
    let settled: Vec<Value> = entries
        .iter()
        .map(|entry| json!({ "Id": entry["Id"] }))
        .collect();
    json!({ "Successful": settled, "Failed": [] })
}

/// An HTTP function that answers when it is told to.
pub(crate) struct FakeFunction {
    pub(crate) url: String,
    called: Receiver<()>,
    answers: Sender<()>,
}

impl FakeFunction {
    pub(crate) fn start() -> Self {
        let (calls, called) = channel();
        let (answers, answer) = channel();
        let (calls, answer) = (Mutex::new(calls), Mutex::new(answer));
        let url = serve(move |_| {
            calls.lock().unwrap().send(()).ok();
            answer.lock().unwrap().recv().ok();
            (200, "null".to_owned())
        });
        Self {
            url,
            called,
            answers,
        }
    }

    /// Waits until the function is called.
    pub(crate) fn wait_for_call(&self) {
        self.called.recv_timeout(Duration::from_secs(30)).unwrap();
    }

    /// Lets one call succeed.
    pub(crate) fn answer(&self) {
        self.answers.send(()).unwrap();
    }
}
