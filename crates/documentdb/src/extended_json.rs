//! Extended JSON, relaxed: what the event shows of BSON.
//!
//! Lambda does not document which format it uses. Its sample (developer guide, "Using Lambda with Amazon DocumentDB") has
//! `{"$oid": …}` and `{"$timestamp": {"t": …, "i": …}}`, and numbers and texts as they are, as the relaxed format of
//! MongoDB's specification of Extended JSON, version 2, has them; so that decides each type.

use lambda_esm_core::Timestamp;
use lambda_esm_core::json::{write_base64, write_string};
use mongodb::bson::{RawBsonRef, RawDocument};

/// Documents within documents, at most. MongoDB stores 100.
const DEEPEST: usize = 200;
/// The first millisecond of the year 10,000: dates from then on, and those before 1970, are numbers.
const LAST_DATE: i64 = 253_402_300_800_000;

/// Appends a document with its members in their order. Fails if it is no BSON; what was appended then is none either.
pub(crate) fn write_document(out: &mut Vec<u8>, document: &RawDocument) -> Result<(), String> {
    write_nested(out, document, 0)
}

/// Appends one value of a document.
pub(crate) fn write_value(out: &mut Vec<u8>, value: RawBsonRef<'_>) -> Result<(), String> {
    write(out, value, 0)
}

fn write_nested(out: &mut Vec<u8>, document: &RawDocument, depth: usize) -> Result<(), String> {
    out.push(b'{');
    for (index, member) in document.iter().enumerate() {
        let (name, value) = member.map_err(|error| error.to_string())?;
        if index > 0 {
            out.push(b',');
        }
        write_string(out, name.as_str());
        out.push(b':');
        write(out, value, depth)?;
    }
    out.push(b'}');
    Ok(())
}

fn write(out: &mut Vec<u8>, value: RawBsonRef<'_>, depth: usize) -> Result<(), String> {
    if depth > DEEPEST {
        return Err(format!("documents within documents, more than {DEEPEST}"));
    }
    match value {
        RawBsonRef::Double(number) if number.is_finite() => {
            out.extend_from_slice(format!("{number:?}").as_bytes());
        }
        RawBsonRef::Double(number) => write_text(out, "$numberDouble", not_finite(number)),
        RawBsonRef::String(text) => write_string(out, text),
        RawBsonRef::Array(array) => {
            out.push(b'[');
            for (index, value) in array.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(out, value.map_err(|error| error.to_string())?, depth + 1)?;
            }
            out.push(b']');
        }
        RawBsonRef::Document(document) => write_nested(out, document, depth + 1)?,
        RawBsonRef::Boolean(flag) => {
            out.extend_from_slice(if flag { b"true".as_slice() } else { b"false" });
        }
        RawBsonRef::Null => out.extend_from_slice(b"null"),
        RawBsonRef::RegularExpression(regex) => {
            out.extend_from_slice(b"{\"$regularExpression\":{\"pattern\":");
            write_string(out, regex.pattern.as_str());
            out.extend_from_slice(b",\"options\":");
            write_string(out, regex.options.as_str());
            out.extend_from_slice(b"}}");
        }
        RawBsonRef::JavaScriptCode(code) => write_text(out, "$code", code),
        RawBsonRef::JavaScriptCodeWithScope(code) => {
            out.extend_from_slice(b"{\"$code\":");
            write_string(out, code.code);
            out.extend_from_slice(b",\"$scope\":");
            write_nested(out, code.scope, depth + 1)?;
            out.push(b'}');
        }
        RawBsonRef::Int32(number) => out.extend_from_slice(number.to_string().as_bytes()),
        RawBsonRef::Int64(number) => out.extend_from_slice(number.to_string().as_bytes()),
        RawBsonRef::Timestamp(time) => {
            let (t, i) = (time.time, time.increment);
            let text = format!("{{\"$timestamp\":{{\"t\":{t},\"i\":{i}}}}}");
            out.extend_from_slice(text.as_bytes());
        }
        RawBsonRef::Binary(binary) => {
            out.extend_from_slice(b"{\"$binary\":{\"base64\":");
            write_base64(out, binary.bytes);
            let kind = u8::from(binary.subtype);
            out.extend_from_slice(format!(",\"subType\":\"{kind:02x}\"}}}}").as_bytes());
        }
        RawBsonRef::ObjectId(id) => write_text(out, "$oid", &id.to_hex()),
        RawBsonRef::DateTime(time) => write_date(out, time.timestamp_millis()),
        RawBsonRef::Symbol(text) => write_text(out, "$symbol", text),
        RawBsonRef::Decimal128(number) => write_text(out, "$numberDecimal", &number.to_string()),
        RawBsonRef::Undefined => out.extend_from_slice(b"{\"$undefined\":true}"),
        RawBsonRef::MaxKey => out.extend_from_slice(b"{\"$maxKey\":1}"),
        RawBsonRef::MinKey => out.extend_from_slice(b"{\"$minKey\":1}"),
        // Its parts are its library's own.
        pointer @ RawBsonRef::DbPointer(_) => {
            serde_json::to_writer(out, &pointer).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

fn write_text(out: &mut Vec<u8>, name: &str, text: &str) {
    out.push(b'{');
    write_string(out, name);
    out.push(b':');
    write_string(out, text);
    out.push(b'}');
}

const fn not_finite(number: f64) -> &'static str {
    if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

fn write_date(out: &mut Vec<u8>, millis: i64) {
    let time = Timestamp(millis);
    if !(0..LAST_DATE).contains(&millis) {
        let text = format!("{{\"$date\":{{\"$numberLong\":\"{millis}\"}}}}");
        out.extend_from_slice(text.as_bytes());
    } else if millis % 1_000 == 0 {
        write_text(out, "$date", &time.iso_seconds());
    } else {
        write_text(out, "$date", &time.iso_millis());
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::spec::BinarySubtype;
    use mongodb::bson::{
        Binary, Bson, DateTime, Decimal128, JavaScriptCodeWithScope, RawDocumentBuf, Regex,
        Timestamp as ClusterTime, cstr, doc, oid::ObjectId,
    };

    use super::*;

    fn shown(value: impl Into<Bson>) -> String {
        let document = RawDocumentBuf::try_from(&doc! {"v": value.into()}).unwrap();
        let mut out = Vec::new();
        write_document(&mut out, &document).unwrap();
        let text = String::from_utf8(out).unwrap();
        let _: serde_json::Value = serde_json::from_str(&text).unwrap();
        text["{\"v\":".len()..text.len() - 1].to_owned()
    }

    #[test]
    fn every_type_of_bson_has_its_relaxed_form() {
        let id = ObjectId::parse_str("63eeb6e7d418cd98afb1c1d7").unwrap();
        let number: Decimal128 = "1.50".parse().unwrap();
        let date = |millis| Bson::DateTime(DateTime::from_millis(millis));
        let binary = |subtype| {
            Bson::Binary(Binary {
                subtype,
                bytes: vec![0, 255],
            })
        };
        let code = JavaScriptCodeWithScope {
            code: "f()".to_owned(),
            scope: doc! {"x": 1},
        };
        let regex = Regex {
            pattern: cstr!("^a/\"b").into(),
            options: cstr!("im").into(),
        };
        let cases: Vec<(Bson, &str)> = vec![
            (1.5.into(), "1.5"),
            (3.0.into(), "3.0"),
            ((-0.0).into(), "-0.0"),
            (1e300.into(), "1e300"),
            (f64::NAN.into(), r#"{"$numberDouble":"NaN"}"#),
            (f64::INFINITY.into(), r#"{"$numberDouble":"Infinity"}"#),
            (f64::NEG_INFINITY.into(), r#"{"$numberDouble":"-Infinity"}"#),
            ("a\"\u{1}ü".into(), "\"a\\\"\\u0001ü\""),
            (vec![Bson::Int32(1), Bson::Null].into(), "[1,null]"),
            (
                doc! {"b": 1, "a": {"$c": true}}.into(),
                r#"{"b":1,"a":{"$c":true}}"#,
            ),
            (false.into(), "false"),
            (Bson::Null, "null"),
            (
                Bson::RegularExpression(regex),
                r#"{"$regularExpression":{"pattern":"^a/\"b","options":"im"}}"#,
            ),
            (Bson::JavaScriptCode("f()".to_owned()), r#"{"$code":"f()"}"#),
            (
                Bson::JavaScriptCodeWithScope(code),
                r#"{"$code":"f()","$scope":{"x":1}}"#,
            ),
            ((-7_i32).into(), "-7"),
            (i64::MAX.into(), "9223372036854775807"),
            (
                Bson::Timestamp(ClusterTime {
                    time: 1_676_588_775,
                    increment: 9,
                }),
                r#"{"$timestamp":{"t":1676588775,"i":9}}"#,
            ),
            (
                binary(BinarySubtype::Generic),
                r#"{"$binary":{"base64":"AP8=","subType":"00"}}"#,
            ),
            (
                binary(BinarySubtype::Uuid),
                r#"{"$binary":{"base64":"AP8=","subType":"04"}}"#,
            ),
            (
                binary(BinarySubtype::UserDefined(0x80)),
                r#"{"$binary":{"base64":"AP8=","subType":"80"}}"#,
            ),
            (id.into(), r#"{"$oid":"63eeb6e7d418cd98afb1c1d7"}"#),
            (date(0), r#"{"$date":"1970-01-01T00:00:00Z"}"#),
            (
                date(1_356_351_330_501),
                r#"{"$date":"2012-12-24T12:15:30.501Z"}"#,
            ),
            (
                date(253_402_300_799_999),
                r#"{"$date":"9999-12-31T23:59:59.999Z"}"#,
            ),
            (
                date(253_402_300_800_000),
                r#"{"$date":{"$numberLong":"253402300800000"}}"#,
            ),
            (date(-1), r#"{"$date":{"$numberLong":"-1"}}"#),
            (Bson::Symbol("s".to_owned()), r#"{"$symbol":"s"}"#),
            (Bson::Decimal128(number), r#"{"$numberDecimal":"1.50"}"#),
            (Bson::Undefined, r#"{"$undefined":true}"#),
            (Bson::MaxKey, r#"{"$maxKey":1}"#),
            (Bson::MinKey, r#"{"$minKey":1}"#),
        ];
        for (value, expected) in cases {
            assert_eq!(shown(value.clone()), expected, "{value:?}");
        }
    }

    #[test]
    fn a_pointer_to_a_document_has_its_form_too() {
        // Nothing makes one any more: name, length of text, text, id.
        let mut bytes = vec![0_u8; 4];
        bytes.extend_from_slice(b"\x0cv\0\x05\0\0\0db.c\0");
        bytes.extend_from_slice(&[0x63; 12]);
        bytes.push(0);
        let length = u32::try_from(bytes.len()).unwrap();
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        let document = RawDocumentBuf::from_bytes(bytes).unwrap();
        let mut out = Vec::new();
        write_document(&mut out, &document).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"v":{"$dbPointer":{"$ref":"db.c","$id":{"$oid":"636363636363636363636363"}}}}"#
        );
    }

    #[test]
    fn what_is_too_deep_or_no_bson_is_told_and_does_no_harm() {
        let mut deep = RawDocumentBuf::new();
        for _ in 0..1_000 {
            let mut outer = RawDocumentBuf::new();
            outer.append(cstr!("d"), deep);
            deep = outer;
        }
        assert!(write_document(&mut Vec::new(), &deep).is_err());
        let bad =
            RawDocumentBuf::from_bytes(b"\x0e\0\0\0\x02v\0\x02\0\0\0\xff\0\0".to_vec()).unwrap();
        assert!(write_document(&mut Vec::new(), &bad).is_err());
    }
}
