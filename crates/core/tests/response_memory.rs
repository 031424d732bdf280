//! A large response takes no more than a few times its size to read, whatever is in it. A test program of its
//! own, since it looks at the memory of the whole process.
#![cfg(target_os = "linux")]

use lambda_esm_core::response::{
    error_texts, error_words, read_kafka_failures, read_partial_failures, read_window_state,
    unmarked_error,
};

/// A third of the largest response, for the time that it takes.
const SIZE: usize = 2 * 1024 * 1024;

/// Beyond the response itself: two copies of a text, and what an allocator rounds up to.
const ALLOWED: usize = 3 * SIZE;

/// Returns `before`, as many of `item` as make 2 MB, and `after`.
fn filled(before: &str, item: &str, after: &str) -> Vec<u8> {
    let count = (SIZE - before.len() - after.len()) / item.len();
    let mut response = before.to_owned();
    response.push_str(&item.repeat(count));
    response.truncate(response.trim_end_matches(',').len());
    response.push_str(after);
    response.into_bytes()
}

/// Returns what the kernel says under `name` about this process, in bytes.
fn status(name: &str) -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    Some(1024 * line.split_whitespace().nth(1)?.parse::<usize>().ok()?)
}

#[test]
fn a_large_response_takes_little_more_to_read() {
    let responses = [
        (
            "numbers",
            filled(r#"{"batchItemFailures":[],"x":["#, "0,", "]}"),
        ),
        (
            "objects",
            filled(r#"{"batchItemFailures":[],"x":["#, r#"{"k":0},"#, "]}"),
        ),
        (
            "short members",
            filled(r#"{"batchItemFailures":[],"#, r#""k":0,"#, "}"),
        ),
        (
            "failures",
            filled(
                r#"{"batchItemFailures":["#,
                r#"{"itemIdentifier":"a"},"#,
                "]}",
            ),
        ),
        (
            "lists of failures",
            filled("{", r#""batchItemFailures":[],"#, r#""state":{}}"#),
        ),
        (
            "a long identifier",
            filled(
                r#"{"batchItemFailures":[{"itemIdentifier":""#,
                "z",
                r#""}]}"#,
            ),
        ),
        (
            "an escaped one",
            filled(
                r#"{"batchItemFailures":[{"itemIdentifier":""#,
                r"\u0000",
                r#""}]}"#,
            ),
        ),
        (
            "failures of a partition",
            filled(
                r#"{"batchItemFailures":["#,
                r#"{"itemIdentifier":{"partition":"a-0","offset":0}},"#,
                "]}",
            ),
        ),
        (
            "a long partition",
            filled(
                r#"{"batchItemFailures":[{"itemIdentifier":{"offset":0,"partition":""#,
                r"\u0000",
                r#""}}]}"#,
            ),
        ),
        (
            "an error",
            filled(r#"{"errorMessage":"m","errorType":"E","x":["#, "0,", "]}"),
        ),
        (
            "many members of an error",
            filled(
                r#"{"errorMessage":"m","#,
                r#""k":0,"#,
                r#""errorType":"E"}"#,
            ),
        ),
        ("a state", filled(r#"{"state":{"x":["#, "0,", "]}}")),
        ("depth", filled("", "[", "")),
    ];
    let before = status("VmRSS").expect("a size");
    for (name, response) in &responses {
        drop(read_partial_failures(response, ["a", "b"].into_iter()));
        drop(read_kafka_failures(response, "a", [(0, 0)].into_iter()));
        drop(read_window_state(response));
        drop(unmarked_error(response));
        drop(error_words(response));
        drop(error_texts(response));
        // The peak since the process began: the first shape that takes too much is named.
        let peak = status("VmHWM").expect("a size");
        let grown = peak.saturating_sub(before);
        assert!(grown < ALLOWED, "{name}: {} MB", grown >> 20);
    }
}
