//! Which decisions a request asks for, by its query and `Last-Event-ID`.

use http::HeaderMap;
use lambda_esm_core::excerpt::cut;
use lambda_esm_engine::Event;

use crate::error::Fault;

/// Which decisions a request asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// At most so many of the last decisions.
    pub(super) last: Option<usize>,
    /// Only decisions with a higher sequence number.
    pub(super) after: Option<u64>,
}

impl Selection {
    pub(super) fn parse(query: &[(String, String)], headers: &HeaderMap) -> Result<Self, Fault> {
        let mut selected = Self::default();
        // What a client of server-sent events sends when it connects again.
        let resumed = headers.get("last-event-id");
        selected.after = resumed.and_then(|value| value.to_str().ok()?.parse().ok());
        for (name, value) in query {
            let wrong = |_| {
                Fault::serialization(format!(
                    "'{}' of the query parameter '{name}' is not a whole number of 0 or more.",
                    cut(value)
                ))
            };
            match name.as_str() {
                "last" => selected.last = Some(value.parse().map_err(wrong)?),
                "after" => selected.after = Some(value.parse().map_err(wrong)?),
                _ => {
                    return Err(Fault::serialization(format!(
                        "Unknown query parameter '{}': the decision log takes last=N and after=SEQUENCE.",
                        cut(name)
                    )));
                }
            }
        }
        Ok(selected)
    }

    /// Cuts what was asked for out of all that is remembered. Numbers begin anew with the process: one
    /// that was not given out yet is of an earlier process, and everything is newer.
    pub(super) fn cut(self, mut events: Vec<Event>) -> Vec<Event> {
        let newest = events.last().map_or(0, |event| event.sequence);
        let after = self.after.filter(|after| *after <= newest).unwrap_or(0);
        events.retain(|event| event.sequence > after);
        let surplus = events.len().saturating_sub(self.last.unwrap_or(usize::MAX));
        events.split_off(surplus)
    }
}
