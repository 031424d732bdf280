//! Pages of the list of mappings (Lambda API reference, `ListEventSourceMappings`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lambda_esm_core::excerpt::cut;
use lambda_esm_core::mapping::{
    ApiError, Arn, Context, CreateEventSourceMapping, ErrorCode, EventSourceMappingConfiguration,
    FunctionRef, Mapping,
};
use lambda_esm_engine::{Engine, EngineOptions};
use serde::Serialize;
use uuid::Uuid;

use crate::error::Fault;

/// How many mappings a page holds at most, whatever is asked for.
const PAGE: usize = 100;
/// The first byte of a marker, so that a later form can be told from this one.
const MARKER_FORM: u8 = 1;

/// Which mappings are asked for, and which part of their list.
pub(crate) struct ListQuery {
    source: Option<String>,
    function: Option<Function>,
    /// The last mapping of the page before.
    after: Option<Uuid>,
    items: usize,
}

/// One page, as the wire has it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MappingPage {
    event_source_mappings: Vec<EventSourceMappingConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
}

/// A function asked for, in any spelling. Without a qualifier it stands for all of its own.
struct Function {
    arn: String,
    qualified: bool,
}

impl Function {
    fn is(&self, arn: &str) -> bool {
        arn.strip_prefix(&*self.arn)
            .is_some_and(|rest| rest.is_empty() || !self.qualified && rest.starts_with(':'))
    }
}

impl ListQuery {
    /// Reads the query. Members with empty values count as absent, but for the marker.
    pub(crate) fn parse(query: &[(String, String)], engine: &Engine) -> Result<Self, Fault> {
        let value = |name: &str| {
            let found = query.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str())
        };
        if let Some((name, _)) = query.iter().find(|(name, _)| {
            !["EventSourceArn", "FunctionName", "Marker", "MaxItems"].contains(&name.as_str())
        }) {
            return Err(Fault::serialization(format!(
                "Unknown query parameter '{}': ListEventSourceMappings takes EventSourceArn, FunctionName, \
                 Marker and MaxItems.",
                cut(name)
            )));
        }
        let items = value("MaxItems").filter(|text| !text.is_empty());
        let items = items.map_or(Ok(PAGE), max_items)?;
        let source = value("EventSourceArn").filter(|arn| !arn.is_empty());
        let name = value("FunctionName").filter(|name| !name.is_empty());
        check_members(source, name, engine)?;
        let options = engine.options();
        let function = name.and_then(FunctionRef::parse).map(|function| Function {
            arn: function.arn(&options.region, &options.account_id),
            qualified: function.qualifier().is_some(),
        });
        Ok(Self {
            source: source.map(str::to_owned),
            function,
            after: value("Marker").map(read_marker).transpose()?,
            items,
        })
    }

    fn matches(&self, mapping: &Mapping, options: &EngineOptions) -> bool {
        let source = mapping.source.arn().map(Arn::as_str);
        let arn = || mapping.function.arn(&options.region, &options.account_id);
        self.source
            .as_deref()
            .is_none_or(|wanted| source == Some(wanted))
            && self
                .function
                .as_ref()
                .is_none_or(|function| function.is(&arn()))
    }

    /// Returns the page.
    pub(crate) fn page(&self, engine: &Engine) -> MappingPage {
        let wanted = |mapping: &Mapping| self.matches(mapping, engine.options());
        let (page, more) = engine.page(self.after, self.items, wanted);
        let last = page.last().filter(|_| more);
        let last = last.and_then(|mapping| mapping.uuid.parse().ok());
        MappingPage {
            next_marker: last.map(write_marker),
            event_source_mappings: page.into_iter().map(listed).collect(),
        }
    }
}

/// Returns a mapping as a list shows it: without filters that a key of its own encrypts (Lambda API
/// reference, `KMSKeyArn`).
fn listed(mut mapping: EventSourceMappingConfiguration) -> EventSourceMappingConfiguration {
    if mapping.kms_key_arn.is_some() {
        mapping.filter_criteria = None;
    }
    mapping
}

fn max_items(text: &str) -> Result<usize, Fault> {
    let Ok(items) = text.parse::<i64>() else {
        let message = format!("'{}' can not be converted to an Integer", cut(text));
        return Err(Fault::serialization(message));
    };
    let rule = match items {
        ..1 => "Member must have value greater than or equal to 1",
        1..=10_000 => return Ok(usize::try_from(items).unwrap_or(PAGE).min(PAGE)),
        _ => "Member must have value less than or equal to 10000",
    };
    Err(Fault::validation(&items.to_string(), "maxItems", rule))
}

/// Holds the members to the constraints they have in `CreateEventSourceMapping` by themselves. Whether
/// there is such a source or function does not matter: an unknown one has no mappings (recorded).
fn check_members(source: Option<&str>, name: Option<&str>, engine: &Engine) -> Result<(), Fault> {
    let options = engine.options();
    let request = CreateEventSourceMapping {
        event_source_arn: source.map(str::to_owned),
        function_name: Some(name.unwrap_or("any").to_owned()),
        ..CreateEventSourceMapping::default()
    };
    let context = Context {
        region: options.region.clone(),
        account_id: options.account_id.clone(),
        uuid: Uuid::nil(),
        now: engine.clock().now(),
        filter_limits: options.filter_limits,
        dialect: options.dialect,
    };
    match Mapping::create(request, &context) {
        Err(error) if error.code == ErrorCode::Validation => Err(error.into()),
        _ => Ok(()),
    }
}

fn write_marker(last: Uuid) -> String {
    let mut bytes = vec![MARKER_FORM];
    bytes.extend_from_slice(last.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_marker(text: &str) -> Result<Uuid, Fault> {
    let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    match bytes.split_first() {
        Some((&MARKER_FORM, uuid)) => Uuid::from_slice(uuid).ok(),
        _ => None,
    }
    .ok_or_else(|| ApiError::invalid("Marker", "The provided Marker is not valid.").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_leads_back_to_its_mapping_and_anything_else_is_refused() {
        let uuid = Uuid::new_v4();
        let marker = write_marker(uuid);
        assert_eq!(read_marker(&marker).unwrap(), uuid);
        for bad in ["", "x", "AAAA", &marker[1..], &format!("{marker}A"), "%"] {
            assert!(read_marker(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_function_without_qualifier_stands_for_all_of_its_own() {
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
        let whole = Function {
            arn: arn.to_owned(),
            qualified: false,
        };
        assert!(whole.is(arn) && whole.is(&format!("{arn}:1")) && !whole.is(&format!("{arn}g")));
        let version = Function {
            arn: format!("{arn}:1"),
            qualified: true,
        };
        assert!(version.is(&format!("{arn}:1")));
        assert!(!version.is(arn) && !version.is(&format!("{arn}:12")));
    }
}
