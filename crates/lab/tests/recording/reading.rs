//! Recordings that are whole, cut off, or make no sense.

use lambda_esm_lab::recording::{Recorded, RecordingError, is_recording, read};

const HEADER: &str = "{\"recording\":1,\"kind\":\"sqs\",\"source\":\"arn:aws:sqs:us-east-1:000000000000:q\",\
                      \"function\":\"f\",\"began\":\"2026-01-01T00:00:00.000Z\",\"began_ms\":1767225600000,\
                      \"payloads\":true}\n";
const ONE: &str = "{\"at\":7,\"arrived\":5,\"size\":1,\"record\":{\"body\":\"a\"}}\n";
const TWO: &str = "{\"at\":9,\"size\":2,\"key\":\"k\"}\n";

fn parse(text: &str) -> Result<Recorded, RecordingError> {
    read(text.as_bytes())
}

#[test]
fn a_recording_that_is_cut_off_is_read_up_to_there_and_says_so() {
    let whole = format!("{HEADER}{ONE}{TWO}");
    assert!(is_recording(&whole));
    let recorded = parse(&whole).unwrap();
    assert_eq!((recorded.arrivals.len(), recorded.incomplete), (2, None));
    let begins_last = HEADER.len() + ONE.len();
    for end in begins_last + 1..whole.len() - 1 {
        let recorded = parse(&whole[..end]).unwrap();
        assert_eq!(recorded.arrivals.len(), 1, "{end}");
        let why = "line 3 is cut off, and what came after it is missing";
        assert_eq!(recorded.incomplete.as_deref(), Some(why), "{end}");
    }
    // Only the end of the last line is missing.
    assert_eq!(parse(&whole[..whole.len() - 1]).unwrap().arrivals.len(), 2);
}

#[test]
fn records_come_by_their_arrival_at_the_source() {
    let before = "{\"at\":3,\"arrived\":-100,\"size\":1}\n";
    // The source's clock is ahead.
    let ahead = "{\"at\":4,\"arrived\":99,\"size\":1}\n";
    let recorded = parse(&format!("{HEADER}{TWO}{ONE}{ahead}{before}")).unwrap();
    let after: Vec<u128> = recorded
        .arrivals
        .iter()
        .map(|arrival| arrival.after.as_millis())
        .collect();
    assert_eq!(after, [0, 4, 5, 9]);
}

#[test]
fn what_makes_no_sense_is_refused_with_its_line_and_the_reason() {
    for (text, line, because) in [
        (String::new(), 1, "is no header of a recording"),
        (ONE.to_owned(), 1, "missing field `recording`"),
        (
            HEADER.replace(":1,", ":2,"),
            1,
            "is of version 2, and only version 1 is read",
        ),
        (
            HEADER.replace("\"sqs\"", "\"jms\""),
            1,
            "unknown variant `jms`",
        ),
        (
            format!("{HEADER}{ONE}oops\n{TWO}"),
            3,
            "is no record: expected value",
        ),
        (
            format!("{HEADER}{{\"at\":-1,\"size\":1}}\n"),
            2,
            "invalid value: integer `-1`",
        ),
        (format!("{HEADER}{{\"at\":1}}\n"), 2, "missing field `size`"),
        (
            format!("{HEADER}{ONE}").replace("{\"body\":\"a\"}", "{\"body\":1}"),
            2,
            "its record makes no sense",
        ),
        (
            format!("{HEADER}{ONE}")
                .replace("sqs\",\"source", "kafka\",\"source")
                .replace("body", "value"),
            2,
            "its data is no Base64",
        ),
    ] {
        let error = parse(&text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.because.contains(because), "{text}: {error}");
    }
}
