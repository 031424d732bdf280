//! Cases of one record each, side by side: one mapping of the same stream for each.

use futures::future::join_all;
use lambda_esm::lifecycle::LastProcessingResult;
use lambda_esm_tests::streams::{
    Document, Known, Lab, Letter, Mailbox, Office, Response, Row, Script, Stream, Streams,
};
use serde_json::{Value, json};

/// A function, and what must become of a record.
pub(crate) struct Case {
    /// What it is about, for messages.
    pub(crate) what: String,
    /// The mapping's members.
    pub(crate) members: Value,
    /// The function.
    pub(crate) script: Script,
    /// How often it is invoked.
    pub(crate) invocations: usize,
    /// What the destination is told of the last answer; `None` if the record succeeds.
    pub(crate) discarded: Option<Response>,
}

/// A case on its way.
struct Running {
    case: Case,
    row: Row,
    mailbox: Mailbox,
}

/// Puts one record into a stream, runs all cases with it, and checks each of them. The cases take turns with
/// the kinds of destinations.
pub(crate) async fn check(streams: &Streams, cases: Vec<Case>) {
    let Some(office) = Office::find() else { return };
    let stream = streams.stream("rows", 1).await;
    stream.put_numbers([1]).await;
    let known = stream.read(1).await;
    let lab = Lab::new(streams.engine());
    let mut running = Vec::new();
    for (case, at) in cases.into_iter().zip((0..3).cycle()) {
        let mailbox = match at {
            0 => office.queue().await,
            1 => office.topic().await,
            _ => office.bucket().await,
        };
        let mut members = case.members.clone();
        members["DestinationConfig"] = mailbox.config();
        let row = lab.map(&stream, &members, case.script.clone()).await;
        running.push(Running { case, row, mailbox });
    }
    join_all(running.iter().map(|running| running.row.until_settled(1))).await;
    let ended = join_all(running.iter().map(Running::end)).await;
    lab.engine.shutdown().await;
    for (running, (letters, result)) in running.iter().zip(ended) {
        let row = &running.case.what;
        println!("{}: {row}", streams.what);
        running.check(&stream, &known, &letters);
        let ok = running.case.discarded.is_none();
        assert_eq!(result == LastProcessingResult::Ok, ok, "{result:?}");
    }
}

impl Running {
    /// Returns what the destination was told, and how the mapping shows its last batch.
    async fn end(&self) -> (Vec<Letter>, LastProcessingResult) {
        let told = usize::from(self.case.discarded.is_some());
        let letters = self.mailbox.until(told).await;
        (letters, self.row.status().last_processing_result)
    }

    fn check(&self, stream: &Stream, known: &[Known], letters: &[Letter]) {
        let calls = self.row.calls();
        assert_eq!(calls.len(), self.case.invocations, "invocations");
        for call in &calls {
            assert_eq!(call.payload, calls[0].payload, "the same event each time");
            assert_eq!(
                lambda_esm_tests::streams::values(&call.event),
                [json!(1)],
                "its record"
            );
        }
        let Some(response) = self.case.discarded else {
            assert!(letters.is_empty(), "{letters:?}");
            return;
        };
        let [letter] = letters else {
            panic!("one document: {letters:?}")
        };
        let document = Document {
            function: &self.row.function,
            condition: "RetryAttemptsExhausted",
            invokes: self.case.invocations,
            response,
            arn: stream.arn(),
            records: known,
        };
        let event = self.mailbox.is_bucket().then_some(&calls[0].payload[..]);
        document.check(letter, self.row.uuid, event);
    }
}
