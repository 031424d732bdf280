//! A place in a change stream, as text: what checkpoints keep and cursors are made of.
//!
//! | text | place |
//! |---|---|
//! | `at:SECONDS:INCREMENT` | before the first change of this cluster time or a later one |
//! | `SECONDS:INCREMENT:TOKEN` | after the change of this cluster time that has this resume token |
//! | `SECONDS:INCREMENT:invalidate:TOKEN` | after the change that ended a stream, which another stream then follows |
//!
//! A token is the text in its `_data`; one of another form is the whole document: `bson.` and its bytes in hexadecimal.

use lambda_esm_core::Timestamp;
use mongodb::bson::{
    Document, RawBsonRef, RawDocument, RawDocumentBuf, Timestamp as ClusterTime, doc,
};

const AT: &str = "at";
const INVALIDATE: &str = "invalidate:";
const WHOLE: &str = "bson.";
/// The longest token, in bytes of text. MongoDB's own are some hundred.
const LONGEST_TOKEN: usize = 64 * 1024;

/// A place in a change stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// The cluster time.
    pub(crate) time: ClusterTime,
    pub(crate) after: Option<After>,
}

/// The change after which a place is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct After {
    /// Its resume token, as text.
    token: String,
    /// Whether it ended its stream.
    invalidated: bool,
}

impl Place {
    /// Returns the place before the first change at `time`.
    pub(crate) const fn at(time: ClusterTime) -> Self {
        Self { time, after: None }
    }

    /// Returns the place before the first change that shows this time, a whole second, or a later one.
    pub(crate) fn at_second(time: Timestamp) -> Self {
        let seconds = time.millis().saturating_add(999).div_euclid(1_000);
        Self::at(ClusterTime {
            time: u32::try_from(seconds.max(1)).unwrap_or(u32::MAX),
            increment: 1,
        })
    }

    /// Returns the place after the change with this token. Fails if that is no resume token.
    pub(crate) fn after(
        time: ClusterTime,
        token: &RawDocument,
        invalidated: bool,
    ) -> Result<Self, String> {
        let token = token_text(token);
        if token.len() > LONGEST_TOKEN {
            return Err(format!("a resume token of {} bytes", token.len()));
        }
        let after = Some(After { token, invalidated });
        Ok(Self { time, after })
    }

    /// Reads what [`Display`](std::fmt::Display) wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.parse().ok();
        let (first, rest) = text.split_once(':')?;
        if first == AT {
            let (time, increment) = rest.split_once(':')?;
            let (time, increment) = (number(time)?, number(increment)?);
            return Some(Self::at(ClusterTime { time, increment }));
        }
        let (increment, token) = rest.split_once(':')?;
        let (time, increment) = (number(first)?, number(increment)?);
        let (token, invalidated) = match token.strip_prefix(INVALIDATE) {
            Some(token) => (token, true),
            None => (token, false),
        };
        let after = After {
            token: token.to_owned(),
            invalidated,
        };
        after.document()?;
        Some(Self {
            time: ClusterTime { time, increment },
            after: Some(after),
        })
    }

    /// Tells whether going on here is other than going on at `place`, and can take its place: not after what ended a stream.
    pub(crate) fn renews(&self, place: &Self) -> bool {
        match (&self.after, &place.after) {
            (Some(new), Some(old)) => new.token != old.token && !old.invalidated,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// Returns the options of `$changeStream` that begin here.
    pub(crate) fn options(&self) -> Document {
        match &self.after {
            None => doc! {"startAtOperationTime": self.time},
            Some(after) => match (after.document(), after.invalidated) {
                (Some(token), true) => doc! {"startAfter": token},
                (Some(token), false) => doc! {"resumeAfter": token},
                (None, _) => Document::new(),
            },
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ClusterTime { time, increment } = self.time;
        match &self.after {
            None => write!(out, "{AT}:{time}:{increment}"),
            Some(After { token, invalidated }) => {
                let mark = if *invalidated { INVALIDATE } else { "" };
                write!(out, "{time}:{increment}:{mark}{token}")
            }
        }
    }
}

impl After {
    /// Returns the token as the server gave it.
    fn document(&self) -> Option<Document> {
        match self.token.strip_prefix(WHOLE) {
            None => (!self.token.is_empty()).then(|| doc! {"_data": &self.token}),
            Some(hex) => {
                let bytes = RawDocumentBuf::from_bytes(unhex(hex)?).ok()?;
                Document::try_from(bytes).ok()
            }
        }
    }
}

fn token_text(token: &RawDocument) -> String {
    let mut members = token.iter();
    if let (Some(Ok((name, RawBsonRef::String(data)))), None) = (members.next(), members.next())
        && name.as_str() == "_data"
        && !data.is_empty()
        && data.bytes().all(|byte| byte.is_ascii_alphanumeric())
    {
        return data.to_owned();
    }
    let bytes = token.as_bytes().iter();
    let hex: String = bytes.map(|byte| format!("{byte:02x}")).collect();
    format!("{WHOLE}{hex}")
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: ClusterTime = ClusterTime {
        time: 1_676_588_775,
        increment: 9,
    };

    fn after(token: Document, invalidated: bool) -> Place {
        let token = RawDocumentBuf::try_from(&token).unwrap();
        Place::after(TIME, &token, invalidated).unwrap()
    }

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let sample = "0163eeb6e7000000090100000009000041e1";
        for (place, text) in [
            (Place::at(TIME), "at:1676588775:9".to_owned()),
            (
                after(doc! {"_data": sample}, false),
                format!("1676588775:9:{sample}"),
            ),
            (
                after(doc! {"_data": sample}, true),
                format!("1676588775:9:invalidate:{sample}"),
            ),
        ] {
            assert_eq!(place.to_string(), text);
            assert_eq!(Place::parse(&text), Some(place));
        }
    }

    #[test]
    fn a_token_of_another_form_is_given_back_as_it_came() {
        for token in [
            doc! {"_data": "ab", "_typeBits": 1},
            doc! {"_data": "a:b"},
            doc! {"_data": ""},
            doc! {"x": {"y": [1, "ü"]}},
        ] {
            let place = after(token.clone(), false);
            let read = Place::parse(&place.to_string()).unwrap();
            assert_eq!(read.options(), doc! {"resumeAfter": token});
        }
    }

    #[test]
    fn a_stream_that_was_ended_is_followed_by_another_one() {
        let place = after(doc! {"_data": "ab"}, true);
        assert_eq!(place.options(), doc! {"startAfter": {"_data": "ab"}});
        assert_eq!(
            Place::at(TIME).options(),
            doc! {"startAtOperationTime": TIME}
        );
    }

    #[test]
    fn what_is_no_place_is_none() {
        for text in [
            "",
            "at",
            "at:1",
            "at:x:1",
            "1:2",
            "1:2:",
            "x:2:ab",
            "1:2:bson.0",
            "1:2:bson.zz",
            "-1:2:ab",
        ] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
