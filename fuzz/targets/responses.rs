//! What functions answer.
#![no_main]

use lambda_esm_core::response::{
    Verdict, error_texts, error_words, read_partial_failures, read_window_state, unmarked_error,
};
use libfuzzer_sys::fuzz_target;

const IDENTIFIERS: [&str; 4] = [
    "a",
    "b",
    "1",
    "49590338271490256608559692538361571095921575989136588898",
];

fuzz_target!(|response: &[u8]| {
    match read_partial_failures(response, IDENTIFIERS.into_iter()) {
        Verdict::Success => {}
        Verdict::Failed(failed) => {
            assert!(failed.is_sorted_by(|one, other| one < other) && !failed.is_empty());
            assert!(failed.iter().all(|at| *at < IDENTIFIERS.len()));
        }
        Verdict::Invalid(reason) => assert!(reason.len() < 4096),
    }
    match read_window_state(response) {
        Ok(state) => assert!(response.len() >= state.get().len()),
        Err(reason) => assert!(reason.len() < 4096),
    }
    // Words of an error are shown: they are not many times what the function said.
    let words = [unmarked_error(response), error_words(response)];
    let texts = error_texts(response);
    for text in words.into_iter().chain(texts).flatten() {
        assert!(text.len() <= 4 * response.len() + 64);
    }
});
