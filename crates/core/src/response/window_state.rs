//! The state that a tumbling window's function hands on.

use serde_json::value::RawValue;

use super::members::members;
use crate::excerpt::cut;

/// Reads the state from the response to an invocation of a tumbling window, byte for byte as the function
/// wrote it.
///
/// # Errors
///
/// The reason in words, if the response is not a JSON object or its `state` is missing or no object: such
/// an invocation has failed (Lambda developer guide, "Tumbling windows").
pub fn read_window_state(response: &[u8]) -> Result<Box<RawValue>, String> {
    // The reader's words repeat a text that stands in place of the object.
    let [state] = members(response, ["state"]).map_err(|error| {
        let error = cut(error);
        format!("the response of a tumbling window is no JSON object: {error}")
    })?;
    let Some(state) = state else {
        return Err("the response of a tumbling window has no `state`".to_owned());
    };
    match state.get().as_bytes().first() {
        Some(b'{') => Ok(state.to_owned()),
        _ => Err("the `state` in the response of a tumbling window is no object".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_window_is_kept_byte_for_byte() {
        for (response, state) in [
            (r#"{"state":{}}"#, "{}"),
            (
                "{ \"batchItemFailures\": [], \"state\" :\n{ \"a\" : 1.0e5,\"b\":[ null ] , \"\\u00fc\":1 } }",
                "{ \"a\" : 1.0e5,\"b\":[ null ] , \"\\u00fc\":1 }",
            ),
            (r#"{"st\u0061te":{"1":282},"other":"x"}"#, r#"{"1":282}"#),
            (r#"{"state":{"old":1},"state":{"new":1}}"#, r#"{"new":1}"#),
        ] {
            let read = read_window_state(response.as_bytes());
            assert_eq!(read.as_deref().map(RawValue::get), Ok(state), "{response}");
        }
    }

    #[test]
    fn a_response_without_a_state_object_says_what_is_wrong() {
        for (response, why) in [
            (&b""[..], "no JSON object"),
            (b"null", "no JSON object"),
            (b"[]", "no JSON object"),
            (b"\"text\"", "no JSON object"),
            (b"{\"state\":{}", "no JSON object"),
            (b"{\"state\":{\"a\":\"\xff\"}}", "no JSON object"),
            (b"{\"state\":{}} x", "no JSON object"),
            (b"{}", "has no `state`"),
            (b"{\"State\":{}}", "has no `state`"),
            (b"{\"batchItemFailures\":[]}", "has no `state`"),
            (b"{\"state\":null}", "no object"),
            (b"{\"state\":[{}]}", "no object"),
            (b"{\"state\":\"{}\"}", "no object"),
            (b"{\"state\":1}", "no object"),
        ] {
            let reason = read_window_state(response).expect_err("refused");
            assert!(reason.contains(why), "{response:?}: {reason}");
        }
    }

    #[test]
    fn a_long_text_in_place_of_an_object_is_not_repeated() {
        let response = format!("\"{}\"", "x".repeat(1_000_000));
        let reason = read_window_state(response.as_bytes()).expect_err("refused");
        assert!(reason.len() < 600, "{} bytes", reason.len());
    }
}
