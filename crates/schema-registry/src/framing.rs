//! What producers write before a payload to name its schema.

use bytes::Bytes;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use uuid::Uuid;

use crate::limits::RECORD_BYTES;
use crate::schema::SchemaId;

/// The first byte of Confluent's framing (Confluent documentation, "Wire format").
const CONFLUENT_MAGIC: u8 = 0;
const CONFLUENT_HEADER: usize = 5;
/// The first byte of Glue's framing, which is its version (aws-glue-schema-registry, as its serializers write it).
const GLUE_VERSION: u8 = 3;
const GLUE_PLAIN: u8 = 0;
const GLUE_ZLIB: u8 = 5;
const GLUE_HEADER: usize = 18;

/// Whose producers wrote the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Framing {
    /// A zero, and the number of the schema in four bytes, the highest first.
    Confluent,
    /// A three, how the payload is compressed, and the id of the schema version in 16 bytes.
    Glue,
}

/// A payload without its framing. Of Protobuf it begins with which message it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Framed {
    pub(crate) id: SchemaId,
    pub(crate) payload: Bytes,
}

impl Framing {
    /// Reads the id of the schema alone.
    pub(crate) fn id(self, record: &[u8]) -> Result<SchemaId, String> {
        match self {
            Self::Confluent => match *record {
                [CONFLUENT_MAGIC, a, b, c, d, ..] => {
                    Ok(SchemaId::Confluent(u32::from_be_bytes([a, b, c, d])))
                }
                [CONFLUENT_MAGIC, ..] => Err(short(record, CONFLUENT_HEADER)),
                [first, ..] => Err(format!(
                    "begins with byte {first}, where one with the id of a Confluent schema has {CONFLUENT_MAGIC}"
                )),
                [] => Err(short(record, CONFLUENT_HEADER)),
            },
            Self::Glue => {
                if let Some(&first) = record.first().filter(|&&first| first != GLUE_VERSION) {
                    return Err(format!(
                        "begins with byte {first}, where one with the id of a Glue schema has {GLUE_VERSION}"
                    ));
                }
                let id = record
                    .get(2..GLUE_HEADER)
                    .and_then(|id| Uuid::from_slice(id).ok());
                id.map(SchemaId::Glue)
                    .ok_or_else(|| short(record, GLUE_HEADER))
            }
        }
    }

    /// Takes the framing off, and decompresses what is compressed.
    pub(crate) fn take_off(self, record: &Bytes) -> Result<Framed, String> {
        let id = self.id(record)?;
        let payload = match self {
            Self::Confluent => record.slice(CONFLUENT_HEADER..),
            Self::Glue => match record.get(1) {
                Some(&GLUE_PLAIN) => record.slice(GLUE_HEADER..),
                Some(&GLUE_ZLIB) => {
                    decompress_to_vec_zlib_with_limit(&record[GLUE_HEADER..], RECORD_BYTES)
                        .map_err(|error| format!("cannot be decompressed: {:?}", error.status))?
                        .into()
                }
                other => {
                    let found = other.copied().unwrap_or_default();
                    return Err(format!(
                        "names compression {found}; {GLUE_PLAIN} (none) and {GLUE_ZLIB} (zlib) are known"
                    ));
                }
            },
        };
        if payload.len() > RECORD_BYTES {
            return Err(format!(
                "has {} bytes, more than the {RECORD_BYTES} of the largest event",
                payload.len()
            ));
        }
        Ok(Framed { id, payload })
    }
}

fn short(record: &[u8], header: usize) -> String {
    format!(
        "has {} bytes, fewer than the {header} in which its schema is named",
        record.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63";

    fn glue(compression: u8, payload: &[u8]) -> Bytes {
        let id = Uuid::parse_str(UUID).unwrap();
        [&[3, compression][..], id.as_bytes(), payload]
            .concat()
            .into()
    }

    #[test]
    fn a_confluent_id_is_read_highest_byte_first() {
        let record = Bytes::from_static(&[0, 0, 1, 2, 3, 9, 8]);
        let framed = Framing::Confluent.take_off(&record).unwrap();
        assert_eq!(framed.id, SchemaId::Confluent(0x0001_0203));
        assert_eq!(framed.payload, &[9, 8][..]);
    }

    #[test]
    fn a_glue_id_is_a_uuid() {
        let framed = Framing::Glue.take_off(&glue(0, b"abc")).unwrap();
        assert_eq!(framed.id.to_string(), UUID);
        assert_eq!(framed.payload, &b"abc"[..]);
    }

    #[test]
    fn a_zlib_payload_is_decompressed() {
        // Python: zlib.compress(b"hello hello hello")
        let zlib = [
            0x78, 0x9c, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x90, 0x00, 0x3a, 0x2e,
            0x06, 0x7d,
        ];
        let framed = Framing::Glue.take_off(&glue(5, &zlib)).unwrap();
        assert_eq!(framed.payload, &b"hello hello hello"[..]);
    }

    #[test]
    fn a_payload_that_grows_without_end_is_refused() {
        let bomb = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; RECORD_BYTES + 1], 9);
        assert!(bomb.len() < 10_000);
        let error = Framing::Glue.take_off(&glue(5, &bomb)).unwrap_err();
        assert!(error.starts_with("cannot be decompressed"), "{error}");
    }

    #[test]
    fn what_is_not_framed_is_refused_in_words() {
        let confluent = |record: &'static [u8]| {
            Framing::Confluent
                .take_off(&Bytes::from_static(record))
                .unwrap_err()
        };
        assert_eq!(
            confluent(b""),
            "has 0 bytes, fewer than the 5 in which its schema is named"
        );
        assert_eq!(
            confluent(&[0, 0, 0, 1]),
            "has 4 bytes, fewer than the 5 in which its schema is named"
        );
        assert_eq!(
            confluent(b"{\"a\":1}"),
            "begins with byte 123, where one with the id of a Confluent schema has 0"
        );
        let refused = |record: &Bytes| Framing::Glue.take_off(record).unwrap_err();
        assert_eq!(
            refused(&glue(7, b"")),
            "names compression 7; 0 (none) and 5 (zlib) are known"
        );
        assert_eq!(
            refused(&glue(0, b"").slice(..17)),
            "has 17 bytes, fewer than the 18 in which its schema is named"
        );
        assert_eq!(
            refused(&Bytes::from_static(&[0, 0, 0, 0, 1])),
            "begins with byte 0, where one with the id of a Glue schema has 3"
        );
    }
}
