//! A queue that speaks SQS's JSON protocol, and HTTP functions.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::fake_http::serve;

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
            let body = request.json();
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

    /// Waits until so many messages are deleted; fails after half a minute.
    pub(crate) fn wait_for_deleted(&self, messages: usize) {
        const STEP: Duration = Duration::from_millis(20);
        for _ in 0..1_500 {
            if self.deleted().len() >= messages {
                return;
            }
            thread::sleep(STEP);
        }
        panic!("{} of {messages} messages deleted", self.deleted().len());
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
