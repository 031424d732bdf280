//! Values as texts, as Java's `String.valueOf` prints them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fe2o3_amqp::types::primitives::SimpleValue;

/// Returns a property as text; `None` for those that JMS has not: decimals and described values.
///
/// JMS has booleans, numbers and texts. Of what other clients send, a time becomes its milliseconds, and bytes become Base64
/// (our choice; not documented).
pub(crate) fn text(value: SimpleValue) -> Option<String> {
    Some(match value {
        SimpleValue::Null => "null".to_owned(),
        SimpleValue::Bool(value) => value.to_string(),
        SimpleValue::Ubyte(value) => value.to_string(),
        SimpleValue::Ushort(value) => value.to_string(),
        SimpleValue::Uint(value) => value.to_string(),
        SimpleValue::Ulong(value) => value.to_string(),
        SimpleValue::Byte(value) => value.to_string(),
        SimpleValue::Short(value) => value.to_string(),
        SimpleValue::Int(value) => value.to_string(),
        SimpleValue::Long(value) => value.to_string(),
        SimpleValue::Float(value) => floating(
            value.0.into(),
            &value.0.to_string(),
            &format!("{:e}", value.0),
        ),
        SimpleValue::Double(value) => {
            floating(value.0, &value.0.to_string(), &format!("{:e}", value.0))
        }
        SimpleValue::Char(value) => value.to_string(),
        SimpleValue::Timestamp(value) => value.milliseconds().to_string(),
        SimpleValue::Uuid(value) => uuid(value.into_inner()),
        SimpleValue::Binary(value) => STANDARD.encode(value),
        SimpleValue::String(value) => value,
        SimpleValue::Symbol(value) => value.into_inner(),
        SimpleValue::Decimal32(_)
        | SimpleValue::Decimal64(_)
        | SimpleValue::Decimal128(_)
        | SimpleValue::Described(_) => return None,
    })
}

/// Returns a UUID in groups of hexadecimal digits.
pub(crate) fn uuid(bytes: [u8; 16]) -> String {
    uuid::Uuid::from_bytes(bytes).to_string()
}

/// Returns a floating-point number as Java's `Double.toString` and `Float.toString` do: with the exponent from ten million on
/// and below a thousandth, and always with a point. `plain` is the number without exponent, `scientific` with, both with the
/// fewest digits that tell it from its neighbours.
fn floating(value: f64, plain: &str, scientific: &str) -> String {
    let size = value.abs();
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if value == 0.0 || (1e-3..1e7).contains(&size) {
        with_point(plain)
    } else {
        let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
        format!("{}E{exponent}", with_point(digits))
    }
}

fn with_point(digits: &str) -> String {
    let end = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_and_floats_are_printed_as_by_java() {
        for (value, printed) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-2.5, "-2.5"),
            (0.001, "0.001"),
            (0.00099, "9.9E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1e10, "1.0E10"),
            (-1.234_567e-7, "-1.234567E-7"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(text(SimpleValue::from(value)).as_deref(), Some(printed));
        }
        for (value, printed) in [(1.1_f32, "1.1"), (3.4e38, "3.4E38"), (0.1, "0.1")] {
            assert_eq!(text(SimpleValue::from(value)).as_deref(), Some(printed));
        }
    }
}
