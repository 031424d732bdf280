//! What the documents of all sources have in common.

use uuid::Uuid;

use crate::json::{write_digits, write_string};
use crate::time::{Civil, Timestamp};

/// What the last invocation answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseContext<'a> {
    /// The HTTP status of the invocation; 200 also where the function failed.
    pub status_code: u16,
    /// The version that ran, e.g. `$LATEST`.
    pub executed_version: &'a str,
    /// `Unhandled` if the function failed; `None` (`null` in the document) if it answered but reported
    /// failed records.
    pub function_error: Option<&'a str>,
}

/// The members before those of the source.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    pub(super) request_id: Uuid,
    pub(super) function_arn: &'a str,
    pub(super) condition: &'a str,
    pub(super) invoke_count: u32,
    pub(super) response: Option<ResponseContext<'a>>,
    /// Whether a response that there is not is `null`, rather than left out.
    pub(super) shows_no_response: bool,
    pub(super) timestamp: Timestamp,
}

impl Envelope<'_> {
    /// Opens the document.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let id = self.request_id.to_string();
        write_text(out, "{\"requestContext\":{\"requestId\":", &id);
        write_text(out, ",\"functionArn\":", self.function_arn);
        write_text(out, ",\"condition\":", self.condition);
        let count = self.invoke_count.into();
        write_number(out, ",\"approximateInvokeCount\":", count);
        out.push(b'}');
        match &self.response {
            Some(response) => write_response(out, response),
            None if self.shows_no_response => out.extend_from_slice(b",\"responseContext\":null"),
            None => {}
        }
        let timestamp = self.timestamp.iso_millis();
        write_text(out, ",\"version\":\"1.0\",\"timestamp\":", &timestamp);
    }
}

fn write_response(out: &mut Vec<u8>, response: &ResponseContext<'_>) {
    let status = response.status_code.into();
    write_number(out, ",\"responseContext\":{\"statusCode\":", status);
    write_text(out, ",\"executedVersion\":", response.executed_version);
    match response.function_error {
        Some(error) => write_text(out, ",\"functionError\":", error),
        None => out.extend_from_slice(b",\"functionError\":null"),
    }
    out.push(b'}');
}

/// Appends what leads up to a text, and the text.
pub(super) fn write_text(out: &mut Vec<u8>, lead: &str, text: &str) {
    out.extend_from_slice(lead.as_bytes());
    write_string(out, text);
}

/// Appends what leads up to a number, and the number.
pub(super) fn write_number(out: &mut Vec<u8>, lead: &str, number: u64) {
    out.extend_from_slice(lead.as_bytes());
    write_digits(out, number);
}

/// Returns the key of an S3 object: mapping, shard or partition, and the document's time in UTC. `id` makes it
/// unique.
pub(super) fn object_key(mapping: Uuid, part: &str, time: Timestamp, id: Uuid) -> String {
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        ..
    } = time.civil();
    let date = format!("{year:04}-{month:02}-{day:02}");
    format!(
        "aws/lambda/{mapping}/{part}/{year:04}/{month:02}/{day:02}/\
         {date}T{hour:02}.{minute:02}.{second:02}-{id}"
    )
}
