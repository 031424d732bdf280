//! Lines of YAML, with comments between them.

use lambda_esm_core::text::plain;
use lambda_esm_lab::import::{Imported, NotCarried, Origin};
use serde::Serialize;

use crate::failure::Failure;

/// Says what was not carried, and why.
pub(super) fn told(found: &NotCarried) -> String {
    let NotCarried {
        path,
        property,
        value,
        reason,
        way_out,
        ..
    } = found;
    let field = if path.is_empty() {
        property.clone()
    } else {
        format!("{path}.{property}")
    };
    // AWS's own texts are sentences.
    let joint = if reason.ends_with('.') { "" } else { ";" };
    format!("{field} ({value}): {reason}{joint} {way_out}")
}

/// Writes one line of comment: nothing in it can end it.
pub(super) fn comment(out: &mut String, indent: usize, text: &str) {
    let text = text.replace(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'], " ");
    let (indent, text) = (" ".repeat(indent), plain(&text));
    out.push_str(format!("{indent}# {text}").trim_end());
    out.push('\n');
}

/// Writes where the file comes from, and what is missing in it.
pub(super) fn head(out: &mut String, name: &str, imported: &Imported) {
    comment(
        out,
        0,
        &format!(
            "Made by `lambda-esm import` of {name}, {}.",
            imported.format
        ),
    );
    let (region, account) = (&imported.region, &imported.account_id);
    comment(
        out,
        0,
        &format!("ARNs that AWS would assign are made for {region} and the account {account}."),
    );
    if imported.not_carried.is_empty() {
        return;
    }
    comment(out, 0, "");
    comment(out, 0, "Not carried, or not known:");
    for found in &imported.not_carried {
        comment(out, 0, &format!("  line {}: {}", found.line, told(found)));
    }
}

/// Returns where in the template something stands, in words.
pub(super) fn place(origin: &Origin) -> String {
    if origin.path.is_empty() {
        format!("line {}", origin.line)
    } else {
        format!("line {}: {}", origin.line, origin.path)
    }
}

/// Writes the mappings, spelled as in the API.
pub(super) fn mappings(out: &mut String, imported: &Imported) -> Result<(), Failure> {
    out.push_str("\nmappings:\n");
    for mapping in &imported.mappings {
        comment(out, 2, &format!("Of {}", place(&mapping.origin)));
        let lost = imported.not_carried.iter().filter(|found| {
            let path = &mapping.origin.path;
            !path.is_empty() && (found.path == *path || found.path.starts_with(&format!("{path}.")))
        });
        for found in lost {
            comment(
                out,
                2,
                &format!(
                    "Not carried, or not known: {} ({})",
                    found.property, found.value
                ),
            );
        }
        let text = yaml(&mapping.request)?;
        for (index, line) in text.lines().enumerate() {
            out.push_str(if index == 0 { "  - " } else { "    " });
            out.push_str(line);
            out.push('\n');
        }
    }
    Ok(())
}

/// Returns a key or a value on one line.
pub(super) fn scalar(text: &str) -> String {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    // The words that YAML takes for something else are short.
    let is_plain = text.len() > 5
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(letter);
    if is_plain {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

fn yaml(value: &impl Serialize) -> Result<String, Failure> {
    // Quoted, so that the JSON of filters stays readable and long ARNs stay on one line.
    let options = serde_saphyr::ser_options! { quote_all: true };
    serde_saphyr::to_string_with_options(value, options)
        .map_err(|error| Failure::general(format!("cannot be written as YAML: {error}")))
}
