//! A change event as a record of the stream.

use std::collections::BTreeMap;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::{StreamContent, StreamRecord, Unreadable};
use mongodb::bson::{RawBsonRef, RawDocument, RawDocumentBuf, Timestamp as ClusterTime};

use crate::extended_json::{write_document, write_value};
use crate::place::Place;

/// Of how many parts a change may be. MongoDB changes have at most 16 MB in a part and two documents of that size.
const MOST_FRAGMENTS: usize = 64;

/// Puts the parts of changes together that a server had to split (MongoDB manual, `$changeStreamSplitLargeEvent`).
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// The parts of the change that is not complete.
    parts: Vec<RawDocumentBuf>,
}

impl Changes {
    /// Tells whether no change has begun that is not complete.
    pub(crate) const fn is_between(&self) -> bool {
        self.parts.is_empty()
    }

    /// Takes the next document of a stream. Returns its record and the place after it, unless more of it is to come.
    /// `now` stands in for a cluster time that is not there.
    pub(crate) fn take(
        &mut self,
        document: &RawDocument,
        now: ClusterTime,
    ) -> Result<Option<(StreamRecord, Place)>, SourceError> {
        match fragment(document) {
            Some((number, of)) => {
                let expected = self.parts.len() + 1;
                if number != expected || of > MOST_FRAGMENTS {
                    return Err(fatal(format!(
                        "part {number} of {of} of a change came where part {expected} was to come"
                    )));
                }
                self.parts.push(document.to_owned());
                if number < of {
                    return Ok(None);
                }
                let parts = std::mem::take(&mut self.parts);
                let parts: Vec<&RawDocument> = parts.iter().map(AsRef::as_ref).collect();
                record(&parts, now).map(Some)
            }
            None if self.parts.is_empty() => record(&[document], now).map(Some),
            None => Err(fatal(
                "a change came in the middle of another one".to_owned(),
            )),
        }
    }
}

/// Returns which part of how many a document is, if its change was split.
fn fragment(document: &RawDocument) -> Option<(usize, usize)> {
    let split = document.get_document("splitEvent").ok()?;
    let number = |name| usize::try_from(split.get_i32(name).ok()?).ok();
    Some((number("fragment")?, number("of")?))
}

fn record(parts: &[&RawDocument], now: ClusterTime) -> Result<(StreamRecord, Place), SourceError> {
    let first = parts.first().copied();
    let token = parts.last().and_then(|last| last.get_document("_id").ok());
    let token = token.ok_or_else(|| fatal("a change without a resume token came".to_owned()))?;
    let text = |name| first.and_then(|first| first.get_str(name).ok());
    let time = first.and_then(|first| first.get_timestamp("clusterTime").ok());
    let time = time.unwrap_or(now);
    let invalidated = text("operationType") == Some("invalidate");
    let place = Place::after(time, token, invalidated).map_err(fatal)?;
    let content = match json(parts) {
        Ok(json) => StreamContent::Change(json),
        Err(because) => {
            let mut json = Vec::new();
            // The token was read before.
            let written = write_document(&mut json, token);
            debug_assert_eq!(written, Ok(()));
            let json = String::from_utf8_lossy(&json).into_owned();
            StreamContent::Unreadable(Box::new(Unreadable::new(because, json)))
        }
    };
    let record = StreamRecord::new(place.to_string(), arrival(time), content);
    Ok((record, place))
}

/// Returns when a change of this cluster time was made: its second, which all servers show.
pub(crate) const fn arrival(time: ClusterTime) -> Timestamp {
    Timestamp(time.time as i64 * 1_000)
}

/// Returns the change with its members sorted by name, as they stand in the documented sample; what is in them keeps its
/// order.
fn json(parts: &[&RawDocument]) -> Result<String, String> {
    let mut members: BTreeMap<&str, RawBsonRef<'_>> = BTreeMap::new();
    let mut size = 0;
    for part in parts {
        size += part.as_bytes().len();
        for member in part.iter() {
            let (name, value) = member.map_err(|error| error.to_string())?;
            // Of several parts, the token of the last one is that of the change.
            members.insert(name.as_str(), value);
        }
    }
    members.remove("splitEvent");
    let mut out = Vec::with_capacity(size * 3 / 2);
    out.push(b'{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        lambda_esm_core::json::write_string(&mut out, name);
        out.push(b':');
        write_value(&mut out, value)?;
    }
    out.push(b'}');
    String::from_utf8(out).map_err(|error| error.to_string())
}

fn fatal(text: String) -> SourceError {
    SourceError::new(SourceErrorKind::Fatal, text)
}

#[cfg(test)]
mod tests {
    use mongodb::bson::oid::ObjectId;
    use mongodb::bson::{Document, doc};

    use super::*;

    const NOW: ClusterTime = ClusterTime {
        time: 7,
        increment: 1,
    };

    fn raw(document: &Document) -> RawDocumentBuf {
        RawDocumentBuf::try_from(document).unwrap()
    }

    fn shown(record: &StreamRecord) -> &str {
        match &record.content {
            StreamContent::Change(json) => json,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_documented_sample_comes_out_as_it_is_documented() {
        let id = ObjectId::parse_str("63eeb6e7d418cd98afb1c1d7").unwrap();
        // As a server sends it.
        let sent = doc! {
            "_id": {"_data": "0163eeb6e7000000090100000009000041e1"},
            "operationType": "insert",
            "clusterTime": ClusterTime {time: 1_676_588_775, increment: 9},
            "ns": {"db": "test_database", "coll": "test_collection"},
            "documentKey": {"_id": id},
            "fullDocument": {"_id": id, "anyField": "sampleValue"},
        };
        let (record, place) = Changes::default().take(&raw(&sent), NOW).unwrap().unwrap();
        let expected = r#"{"_id":{"_data":"0163eeb6e7000000090100000009000041e1"},"clusterTime":{"$timestamp":{"t":1676588775,"i":9}},"documentKey":{"_id":{"$oid":"63eeb6e7d418cd98afb1c1d7"}},"fullDocument":{"_id":{"$oid":"63eeb6e7d418cd98afb1c1d7"},"anyField":"sampleValue"},"ns":{"db":"test_database","coll":"test_collection"},"operationType":"insert"}"#;
        assert_eq!(shown(&record), expected);
        assert_eq!(record.arrival, Timestamp(1_676_588_775_000));
        assert_eq!(*record.sequence, *place.to_string());
        assert_eq!(
            *record.sequence,
            *"1676588775:9:0163eeb6e7000000090100000009000041e1"
        );
    }

    #[test]
    fn a_change_that_was_split_is_one_record_again() {
        let part = |number, members: Document| {
            let mut part = doc! {"_id": {"_data": format!("a{number}")}, "splitEvent": {"fragment": number, "of": 3}};
            part.extend(members);
            raw(&part)
        };
        let mut changes = Changes::default();
        let first = part(1, doc! {"operationType": "update", "clusterTime": NOW});
        let second = part(2, doc! {"fullDocumentBeforeChange": {"x": 1}});
        let third = part(3, doc! {"fullDocument": {"x": 2}});
        assert_eq!(changes.take(&first, NOW).unwrap(), None);
        assert_eq!(changes.take(&second, NOW).unwrap(), None);
        let (record, place) = changes.take(&third, NOW).unwrap().unwrap();
        assert_eq!(
            shown(&record),
            r#"{"_id":{"_data":"a3"},"clusterTime":{"$timestamp":{"t":7,"i":1}},"fullDocument":{"x":2},"fullDocumentBeforeChange":{"x":1},"operationType":"update"}"#
        );
        assert_eq!(place.to_string(), "7:1:a3");
    }

    #[test]
    fn parts_that_do_not_follow_one_another_are_no_change() {
        let part = |number: i32| {
            raw(&doc! {"_id": {"_data": "a"}, "splitEvent": {"fragment": number, "of": 3}})
        };
        assert!(Changes::default().take(&part(2), NOW).is_err());
        let mut changes = Changes::default();
        assert!(changes.take(&part(1), NOW).is_ok());
        assert!(changes.take(&part(3), NOW).is_err());
        assert!(
            changes
                .take(&raw(&doc! {"_id": {"_data": "b"}}), NOW)
                .is_err()
        );
    }

    #[test]
    fn what_makes_no_sense_is_given_up_and_what_has_no_token_stops_the_stream() {
        let mut document = raw(&doc! {"_id": {"_data": "ab"}});
        let bad = b"\x0e\0\0\0\x02v\0\x02\0\0\0\xff\0\0";
        let bad = RawDocumentBuf::from_bytes(bad.to_vec()).unwrap();
        document.append(mongodb::bson::cstr!("fullDocument"), bad);
        let (record, place) = Changes::default().take(&document, NOW).unwrap().unwrap();
        assert!(
            matches!(&record.content, StreamContent::Unreadable(unreadable) if unreadable.json == r#"{"_data":"ab"}"#)
        );
        assert_eq!(place.to_string(), "7:1:ab");
        let error = Changes::default().take(&raw(&doc! {"x": 1}), NOW);
        assert_eq!(error.unwrap_err().kind, SourceErrorKind::Fatal);
    }
}
