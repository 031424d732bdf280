//! The control-plane API: where it listens, and who may ask.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use lambda_esm_api::{ApiOptions, Auth};

use super::fields::Field;
use super::problem::Problems;

/// Where the API listens if `api` does not say.
const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9560);

/// Reads `api`. Signatures must be made for `region`.
pub(super) fn read(field: &Field<'_>, region: &str, problems: &mut Problems) -> Option<ApiOptions> {
    let mut section = field.section(problems)?;
    let listen = match section.take("listen") {
        Some(field) => address(&field, problems)?,
        None => DEFAULT_LISTEN,
    };
    let mut options = ApiOptions::new(listen);
    if let Some(field) = section.take("auth") {
        options.auth = auth(&field, region, problems)?;
    }
    section.finish(problems);
    if let Err(error) = options.validate() {
        problems.add(field.node.location, "", error.to_string());
    }
    Some(options)
}

fn address(field: &Field<'_>, problems: &mut Problems) -> Option<SocketAddr> {
    let text = field.text(problems)?;
    let address = text.parse().ok();
    if address.is_none() {
        let rule = "must be an IP address and a port such as 127.0.0.1:9560";
        problems.refuse(field.node, &field.path, rule);
    }
    address
}

fn auth(field: &Field<'_>, region: &str, problems: &mut Problems) -> Option<Auth> {
    let mut section = field.section(problems)?;
    let (sigv4, bearer) = (section.take("sigv4"), section.take("bearer"));
    section.finish(problems);
    match (sigv4, bearer) {
        (Some(field), None) => {
            let mut keys = BTreeMap::new();
            for (member, secret) in field.entries(problems)? {
                keys.insert(member.key.clone(), secret.secret_text(problems)?.to_owned());
            }
            Some(Auth::sigv4(keys, region))
        }
        (None, Some(field)) => Some(Auth::bearer(field.secret_text(problems)?)),
        _ => {
            problems.add(
                field.node.location,
                &field.path,
                "must have one of sigv4 and bearer",
            );
            problems.hint("sigv4: {ACCESS_KEY_ID: SECRET}, or bearer: TOKEN");
            None
        }
    }
}
