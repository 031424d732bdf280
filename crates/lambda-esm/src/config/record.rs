//! What is recorded of sources, and where.

use std::path::{Path, PathBuf};

use lambda_esm_core::mapping::{Mapping, Source};
use lambda_esm_lab::recording::{RecordedKind, RecordingOptions, Redaction};

use super::fields::Field;
use super::mappings::MappingSettings;
use super::problem::Problems;

/// What is recorded of sources, and where.
pub(crate) struct RecordSettings {
    /// Where the files go.
    pub(crate) folder: PathBuf,
    /// Whether they hold records, or only their times, sizes and keys.
    pub(crate) payloads: bool,
    pub(crate) redaction: Redaction,
    /// The most bytes of one file.
    pub(crate) limit: u64,
}

impl RecordSettings {
    /// Records all, as `run --record` does where the file says nothing.
    pub(crate) fn to(folder: PathBuf) -> Self {
        Self {
            folder,
            payloads: true,
            redaction: Redaction::default(),
            limit: RecordingOptions::DEFAULT_LIMIT,
        }
    }
}

/// Reads `record`. Paths begin at `folder`.
pub(super) fn read(
    field: &Field<'_>,
    folder: &Path,
    mappings: &[MappingSettings],
    problems: &mut Problems,
) -> Option<RecordSettings> {
    let mut section = field.section(problems)?;
    let to = section.require("folder", "recordings", problems);
    let to = to.and_then(|field| Some(folder.join(field.text(problems)?)));
    let mut settings = RecordSettings::to(to.unwrap_or_default());
    if let Some(field) = section.take("payloads") {
        settings.payloads = field.flag(problems).unwrap_or_default();
    }
    if let Some(field) = section.take("limit_mb") {
        let limit = field.integer(1..=1_000_000, "MB for each mapping", problems);
        let limit = limit.and_then(|limit| u64::try_from(limit).ok());
        settings.limit = limit.map_or(settings.limit, |limit| limit * 1_000_000);
    }
    if let Some(field) = section.take("redact") {
        settings.redaction = redaction(&field, mappings, problems).unwrap_or_default();
    }
    section.finish(problems);
    Some(settings)
}

/// Reads the paths. One that no mapping's records can have would hide nothing, and is refused.
fn redaction(
    field: &Field<'_>,
    mappings: &[MappingSettings],
    problems: &mut Problems,
) -> Option<Redaction> {
    let mut paths = Vec::new();
    for item in field.list(problems)? {
        let path = item.text(problems)?.to_owned();
        let redaction = match Redaction::new(vec![path.clone()]) {
            Ok(redaction) => redaction,
            Err(because) => {
                problems.explain(item.node, &item.path, because);
                return None;
            }
        };
        let has = |kind: &RecordedKind| redaction.of(*kind).next().is_some();
        let hides = |settings: &MappingSettings| kinds(&settings.mapping).iter().any(has);
        if !mappings.is_empty() && !mappings.iter().any(hides) {
            let rule =
                "is at no place of the records that these mappings read, and would hide nothing";
            problems.refuse(item.node, &item.path, rule);
            problems.hint("name it as the filters of the mapping would");
        }
        paths.push(path);
    }
    Redaction::new(paths).ok()
}

/// Returns what the records of a mapping's source may be. Which broker of Amazon MQ it is, the ARN does not tell.
const fn kinds(mapping: &Mapping) -> &'static [RecordedKind] {
    match &mapping.source {
        Source::Sqs(sqs) if sqs.fifo => &[RecordedKind::SqsFifo],
        Source::Sqs(_) => &[RecordedKind::Sqs],
        Source::Kinesis(_) => &[RecordedKind::Kinesis],
        Source::DynamoDb(_) => &[RecordedKind::DynamoDb],
        Source::Kafka(_) => &[RecordedKind::Kafka],
        Source::Mq(_) => &[RecordedKind::RabbitMq, RecordedKind::ActiveMq],
        Source::DocumentDb(_) => &[RecordedKind::DocumentDb],
        _ => &[],
    }
}
