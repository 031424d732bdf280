//! Where in a shard reading begins or goes on, in words of Kinesis.

use std::fmt;
use std::str::FromStr;

use aws_sdk_kinesis::error::BuildError;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{ShardIteratorType, StartingPosition};
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::time::Timestamp;
use lambda_esm_engine::ports::Start;

use crate::shard_records::unknown_start;

/// Where to begin reading (Kinesis API reference, `StartingPosition`).
///
/// As text it is the [`Cursor`](lambda_esm_engine::ports::Cursor) of a consumer: the type, and after a
/// space the sequence number or the milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KinesisStart {
    /// With the oldest record.
    TrimHorizon,
    /// After the newest record.
    Latest,
    /// With the first record of this time or later.
    Time(Timestamp),
    /// With the record of this number.
    At(String),
    /// After the record of this number.
    After(String),
}

impl KinesisStart {
    pub(super) fn kind(&self) -> ShardIteratorType {
        match self {
            Self::TrimHorizon => ShardIteratorType::TrimHorizon,
            Self::Latest => ShardIteratorType::Latest,
            Self::Time(_) => ShardIteratorType::AtTimestamp,
            Self::At(_) => ShardIteratorType::AtSequenceNumber,
            Self::After(_) => ShardIteratorType::AfterSequenceNumber,
        }
    }

    pub(super) fn sequence(&self) -> Option<&str> {
        match self {
            Self::At(sequence) | Self::After(sequence) => Some(sequence),
            _ => None,
        }
    }

    pub(super) fn time(&self) -> Option<DateTime> {
        match self {
            Self::Time(time) => Some(DateTime::from_millis(time.millis())),
            _ => None,
        }
    }

    pub(super) fn starting_position(&self) -> Result<StartingPosition, BuildError> {
        StartingPosition::builder()
            .r#type(self.kind())
            .set_sequence_number(self.sequence().map(str::to_owned))
            .set_timestamp(self.time())
            .build()
    }
}

impl TryFrom<&Start> for KinesisStart {
    type Error = SourceError;

    fn try_from(from: &Start) -> Result<Self, SourceError> {
        match from {
            Start::TrimHorizon => Ok(Self::TrimHorizon),
            Start::Latest => Ok(Self::Latest),
            Start::Timestamp(time) => Ok(Self::Time(*time)),
            Start::After(sequence) => Ok(Self::After(sequence.as_ref().to_owned())),
            other => Err(unknown_start(other)),
        }
    }
}

impl fmt::Display for KinesisStart {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.kind().as_str())?;
        match self {
            Self::TrimHorizon | Self::Latest => Ok(()),
            Self::Time(time) => write!(out, " {}", time.millis()),
            Self::At(sequence) | Self::After(sequence) => write!(out, " {sequence}"),
        }
    }
}

impl FromStr for KinesisStart {
    /// The text is none.
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
        match (ShardIteratorType::from(kind), rest) {
            (ShardIteratorType::TrimHorizon, "") => Ok(Self::TrimHorizon),
            (ShardIteratorType::Latest, "") => Ok(Self::Latest),
            (ShardIteratorType::AtTimestamp, millis) => {
                millis.parse().map(Timestamp).map(Self::Time).map_err(drop)
            }
            (_, "") => Err(()),
            (ShardIteratorType::AtSequenceNumber, sequence) => Ok(Self::At(sequence.to_owned())),
            (ShardIteratorType::AfterSequenceNumber, sequence) => {
                Ok(Self::After(sequence.to_owned()))
            }
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_read_back_from_its_text() {
        let starts = [
            (KinesisStart::TrimHorizon, "TRIM_HORIZON"),
            (KinesisStart::Latest, "LATEST"),
            (
                KinesisStart::Time(Timestamp(1_545_084_650_987)),
                "AT_TIMESTAMP 1545084650987",
            ),
            (
                KinesisStart::At("0017".to_owned()),
                "AT_SEQUENCE_NUMBER 0017",
            ),
            (
                KinesisStart::After("0017".to_owned()),
                "AFTER_SEQUENCE_NUMBER 0017",
            ),
        ];
        for (start, text) in starts {
            assert_eq!(start.to_string(), text);
            assert_eq!(text.parse(), Ok(start));
        }
        for wrong in [
            "",
            "AAAA==",
            "LATEST 1",
            "AT_TIMESTAMP",
            "AFTER_SEQUENCE_NUMBER",
        ] {
            assert_eq!(wrong.parse::<KinesisStart>(), Err(()), "{wrong}");
        }
    }
}
