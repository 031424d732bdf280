//! What a format has found, and how it becomes an import.

use lambda_esm_core::mapping::{KafkaCluster, Mapping, Source, duplicate_error};

use super::draft::{Draft, function_name};
use super::findings::Findings;
use super::format::Format;
use super::imported::{Imported, ImportedFunction, ImportedMapping, ImportedSource, Origin};
use super::node::Node;
use super::place::Place;
use super::problem::ImportProblem;

/// Mappings, functions and sources of a template.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) drafts: Vec<Draft>,
    pub(crate) functions: Vec<ImportedFunction>,
    pub(crate) sources: Vec<ImportedSource>,
    pub(crate) brokers: Vec<Broker>,
}

/// A broker of Amazon MQ.
#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) arn: String,
    pub(crate) engine: Option<String>,
    pub(crate) origin: Option<Origin>,
}

impl Gathered {
    /// Makes the import.
    ///
    /// # Errors
    /// All problems found, or that there is no mapping.
    pub(crate) fn finish(
        mut self,
        format: Format,
        place: Place,
        mut findings: Findings,
    ) -> Result<Imported, Vec<ImportProblem>> {
        let mut mappings: Vec<(ImportedMapping, Mapping)> = Vec::new();
        self.drafts.sort_by_key(|draft| draft.at);
        for draft in std::mem::take(&mut self.drafts) {
            let Some((imported, mapping)) = draft.carry(&place, &mut findings) else {
                continue;
            };
            let same = mappings.iter().find_map(|(earlier, known)| {
                duplicate_error(known, &mapping).map(|_| earlier.origin.line)
            });
            if let Some(line) = same {
                let shown = imported
                    .request
                    .event_source_arn
                    .clone()
                    .unwrap_or_default();
                let at = super::node::Position {
                    line: imported.origin.line,
                    column: 1,
                };
                let reason =
                    format!("the mapping in line {line} reads the same for the same function");
                let node = Node::text(at, shown);
                findings.list(
                    &node,
                    &imported.origin.path,
                    reason,
                    "AWS would refuse the second: remove one",
                );
                continue;
            }
            self.add_source(&mapping);
            mappings.push((imported, mapping));
        }
        if mappings.is_empty() && findings.problems.is_empty() {
            findings.problems = none_found(format, &findings);
        }
        if !findings.problems.is_empty() {
            let mut problems = findings.problems;
            problems.sort_by_key(|problem| (problem.line, problem.column));
            return Err(problems);
        }
        let mut not_carried = findings.not_carried;
        not_carried.sort_by_key(|found| found.line);
        let mappings: Vec<ImportedMapping> =
            mappings.into_iter().map(|(mapping, _)| mapping).collect();
        Ok(Imported {
            format,
            functions: called(self.functions, &mappings),
            sources: self.sources,
            region: place.region,
            account_id: place.account_id,
            mappings,
            not_carried,
        })
    }

    /// Adds what a mapping reads if the template does not say more of it.
    fn add_source(&mut self, mapping: &Mapping) {
        let of_broker = |arn: &str| self.brokers.iter().find(|broker| broker.arn == arn);
        let found = match &mapping.source {
            Source::Sqs(sqs) => ImportedSource::Queue {
                arn: sqs.queue_arn.to_string(),
                fifo: sqs.queue_arn.resource().ends_with(".fifo"),
                visibility_timeout_seconds: None,
                max_receive_count: None,
                dead_letter_queue: None,
                origin: None,
            },
            Source::Kinesis(kinesis) => self.kinesis(kinesis.stream_arn.as_str()),
            Source::DynamoDb(dynamodb) => ImportedSource::TableStream {
                arn: dynamodb.stream_arn.to_string(),
                view: None,
                origin: None,
            },
            Source::Kafka(kafka) => ImportedSource::Topic {
                cluster: match &kafka.cluster {
                    KafkaCluster::SelfManaged {
                        bootstrap_servers, ..
                    } => bootstrap_servers.join(","),
                    KafkaCluster::Msk { arn, .. } => arn.to_string(),
                    _ => String::new(),
                },
                topic: kafka.topic.clone(),
                partitions: None,
                origin: None,
            },
            Source::Mq(mq) => {
                let broker = of_broker(mq.broker_arn.as_str());
                ImportedSource::BrokerQueue {
                    arn: mq.broker_arn.to_string(),
                    engine: broker.and_then(|broker| broker.engine.clone()),
                    queue: mq.queue.clone(),
                    origin: broker.and_then(|broker| broker.origin.clone()),
                }
            }
            Source::DocumentDb(documentdb) => ImportedSource::DocumentDb {
                arn: documentdb.cluster_arn.to_string(),
                origin: None,
            },
            _ => return,
        };
        let is_known = |known: &ImportedSource| match (known, &found) {
            (
                ImportedSource::Topic { cluster, topic, .. },
                ImportedSource::Topic {
                    cluster: other,
                    topic: another,
                    ..
                },
            ) => cluster == other && topic == another,
            (
                ImportedSource::BrokerQueue { arn, queue, .. },
                ImportedSource::BrokerQueue {
                    arn: other,
                    queue: another,
                    ..
                },
            ) => arn == other && queue == another,
            _ => known.arn() == found.arn(),
        };
        if !self.sources.iter().any(is_known) {
            self.sources.push(found);
        }
    }

    /// Returns a stream; a consumer has the shards of its stream.
    fn kinesis(&self, arn: &str) -> ImportedSource {
        let stream = arn.split("/consumer/").next().unwrap_or(arn);
        let known = self.sources.iter().find_map(|source| match source {
            ImportedSource::KinesisStream {
                arn,
                shards,
                on_demand,
                retention_hours,
                origin,
            } if arn == stream => Some((*shards, *on_demand, *retention_hours, origin.clone())),
            _ => None,
        });
        let (shards, on_demand, retention_hours, origin) = known.unwrap_or_default();
        ImportedSource::KinesisStream {
            arn: arn.to_owned(),
            shards,
            on_demand,
            retention_hours,
            origin,
        }
    }
}

/// Returns the functions that mappings call, in the order of the mappings.
fn called(found: Vec<ImportedFunction>, mappings: &[ImportedMapping]) -> Vec<ImportedFunction> {
    let mut functions: Vec<ImportedFunction> = Vec::new();
    for mapping in mappings {
        let name = function_name(&mapping.request);
        if !functions.iter().any(|function| function.name == name) {
            let known = found.iter().find(|function| function.name == name);
            functions.push(known.cloned().unwrap_or_else(|| ImportedFunction {
                name,
                ..ImportedFunction::default()
            }));
        }
    }
    functions
}

/// Says that there is no mapping, and of what might be taken for one that it is none.
fn none_found(format: Format, findings: &Findings) -> Vec<ImportProblem> {
    let way_out = "name a template in which a function reads a queue, stream, topic, broker or change stream; \
                   --format says how to read it";
    let whole = ImportProblem::whole(
        format!("has no event source mapping that can be carried, read as {format}"),
        way_out,
    );
    let listed = findings.not_carried.iter().map(|found| ImportProblem {
        line: Some(found.line),
        column: None,
        path: format!("{}.{}", found.path, found.property),
        value: Some(found.value.clone()),
        reason: found.reason.clone(),
        way_out: found.way_out.clone(),
    });
    std::iter::once(whole).chain(listed).collect()
}
