//! Secrets that stand in the file itself, in the place of Secrets Manager.

use lambda_esm_core::mapping::Arn;
use lambda_esm_engine::memory::MemorySecrets;
use lambda_esm_engine::secrets::LONGEST_SECRET;
use serde_json::{Map, Value as Json};

use super::fields::Field;
use super::problem::Problems;
use super::yaml::Value;

/// Reads `secrets`: by ARN either the text of a secret or a map of its members, which is a JSON object then.
pub(super) fn read(field: Option<&Field<'_>>, problems: &mut Problems) -> MemorySecrets {
    let secrets = MemorySecrets::default();
    let Some(field) = field else {
        return secrets;
    };
    if !cfg!(feature = "secrets") {
        let rule = "this build of lambda-esm has no client that needs secrets";
        problems.add(field.node.location, &field.path, rule);
        problems.hint(
            "build it with `--features full`, or one of kafka, rabbitmq, activemq, documentdb",
        );
        return secrets;
    }
    for (member, entry) in field.entries(problems).unwrap_or_default() {
        let arn = Arn::parse(&member.key).filter(|arn| arn.service() == "secretsmanager");
        if arn.is_none() {
            problems.add(
                member.location,
                &entry.path,
                "each key must be the ARN of a secret",
            );
            problems
                .hint("for example arn:aws:secretsmanager:us-east-1:000000000000:secret:broker");
            continue;
        }
        let Some(text) = text(&entry, problems) else {
            continue;
        };
        if secrets.put(&member.key, &text).is_err() {
            let rule = format!("a secret must have at most {LONGEST_SECRET} bytes");
            problems.add(member.location, &entry.path, rule);
        }
    }
    secrets
}

fn text(field: &Field<'_>, problems: &mut Problems) -> Option<String> {
    match &field.node.value {
        Value::Text(text) => Some(text.clone()),
        Value::Map(_) => {
            let mut members = Map::new();
            for (member, entry) in field.entries(problems)? {
                let value = match entry.node.value {
                    Value::Integer(number) => number.into(),
                    _ => Json::from(entry.secret_text(problems)?),
                };
                members.insert(member.key.clone(), value);
            }
            Some(Json::Object(members).to_string())
        }
        _ => {
            problems.add(
                field.node.location,
                &field.path,
                format!(
                    "a secret must be text or a map of its members, not {}",
                    field.node.kind()
                ),
            );
            problems.hint("for example {username: NAME, password: PASSWORD}");
            None
        }
    }
}
