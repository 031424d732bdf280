//! One row of the table of parameter and source kind.

use crate::mapping::arn::SourceKind;
use crate::mapping::error::ApiError;
use crate::mapping::request::CreateEventSourceMapping;
use crate::mapping::wire::ConsumptionMode;
use crate::time::Timestamp;

/// A request with the kind of source it is about.
#[derive(Clone, Copy)]
pub(in crate::mapping) struct Subject<'a> {
    /// The kind of source.
    pub(in crate::mapping) kind: SourceKind,
    /// The request; for an update, what the mapping would be created with.
    pub(in crate::mapping) request: &'a CreateEventSourceMapping,
    /// The time before which reading may start; `None` for an update, which cannot change it.
    pub(in crate::mapping) now: Option<Timestamp>,
}

impl Subject<'_> {
    /// Tells whether the request asks for a share group, which has a column of its own in the table.
    pub(super) fn queue(&self) -> bool {
        self.kind == SourceKind::SelfManagedKafka && asks_for_queue(self.request)
    }

    /// Returns what the mapping reads in words, with its article.
    fn words(&self) -> &'static str {
        if self.queue() {
            "a self-managed Kafka cluster in Queue mode"
        } else {
            self.kind.words()
        }
    }

    /// Returns where the table has the rules of the mapping's kind.
    fn column(&self) -> usize {
        match self.kind {
            SourceKind::SqsStandard => 0,
            SourceKind::SqsFifo => 1,
            SourceKind::Kinesis | SourceKind::KinesisConsumer => 2,
            SourceKind::DynamoDbStream => 3,
            SourceKind::Msk => 4,
            SourceKind::SelfManagedKafka if self.queue() => 6,
            SourceKind::SelfManagedKafka => 5,
            SourceKind::AmazonMq => 7,
            SourceKind::DocumentDb => 8,
        }
    }

    /// Tells whether the request asks for dedicated pollers; an empty structure does not.
    pub(in crate::mapping) fn provisioned(&self) -> bool {
        self.request
            .provisioned_poller_config
            .as_ref()
            .is_some_and(|config| {
                config.minimum_pollers.is_some()
                    || config.maximum_pollers.is_some()
                    || config
                        .poller_group_name
                        .as_ref()
                        .is_some_and(|group| !group.is_empty())
            })
    }
}

/// Tells whether `ConsumptionMode` is `Queue`.
pub(super) fn asks_for_queue(request: &CreateEventSourceMapping) -> bool {
    let config = request.self_managed_kafka_event_source_config.as_ref();
    let mode = config.and_then(|config| config.consumption_mode.as_deref());
    mode == Some(ConsumptionMode::Queue.as_str())
}

/// What a source makes of a parameter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// It must be given.
    Required,
    /// It may be given.
    Optional,
    /// It may be given in provisioned mode.
    Provisioned,
    /// The source has no such thing.
    Forbidden,
}

/// How much a request says about a parameter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// Nothing.
    Absent,
    /// An empty structure, list or text, which asks for nothing.
    Empty,
    /// What the default is anyway.
    Default,
    /// Something of its own.
    Given,
}

impl Presence {
    /// A parameter that is there or not.
    pub(super) const fn of<T>(value: Option<&T>) -> Self {
        if value.is_some() {
            Self::Given
        } else {
            Self::Absent
        }
    }

    /// A parameter with a default.
    pub(super) fn beside<T: PartialEq>(value: Option<&T>, default: &T) -> Self {
        match value {
            None => Self::Absent,
            Some(value) if value == default => Self::Default,
            Some(_) => Self::Given,
        }
    }

    /// A parameter that may be empty.
    pub(super) fn unless<T>(value: Option<&T>, empty: impl Fn(&T) -> bool) -> Self {
        match value {
            None => Self::Absent,
            Some(value) if empty(value) => Self::Empty,
            Some(_) => Self::Given,
        }
    }
}

/// A parameter, what each kind of source makes of it, and what its values must be where it is
/// legal.
pub(super) struct Row {
    /// The parameter as error messages spell it.
    pub(super) field: &'static str,
    /// One rule for SQS standard, SQS FIFO, Kinesis, DynamoDB, MSK, self-managed Kafka, the same in Queue
    /// mode, Amazon MQ, DocumentDB.
    pub(super) rules: [Rule; 9],
    /// Finds the parameter in a request.
    pub(super) presence: fn(&CreateEventSourceMapping) -> Presence,
    /// Checks its value.
    pub(super) value: fn(Subject<'_>) -> Result<(), ApiError>,
}

impl Row {
    /// Checks a request against the row.
    pub(super) fn check(&self, subject: Subject<'_>) -> Result<(), ApiError> {
        let presence = (self.presence)(subject.request);
        let words = subject.words();
        match self.rules[subject.column()] {
            Rule::Forbidden if matches!(presence, Presence::Given | Presence::Default) => {
                Err(ApiError::unsupported(self.field).hint(format!(
                    "remove {}: a mapping of {words} has no such setting",
                    self.field
                )))
            }
            Rule::Forbidden => Ok(()),
            Rule::Required if presence == Presence::Absent => Err(self
                .missing()
                .hint(format!("add {}: a mapping of {words} needs it", self.field))),
            Rule::Provisioned if presence == Presence::Given && !subject.provisioned() => {
                Err(ApiError::unsupported(self.field).hint(format!(
                    "{} needs provisioned mode: add ProvisionedPollerConfig, or remove {}",
                    self.field, self.field
                )))
            }
            Rule::Required | Rule::Optional | Rule::Provisioned => (self.value)(subject),
        }
    }

    fn missing(&self) -> ApiError {
        if self.field == "StartingPosition" {
            // Recorded; unlike the request framework's own message it ends with a full stop and is
            // no ValidationException.
            return ApiError::invalid(
                self.field,
                "1 validation error detected: Value null at 'startingPosition' failed to satisfy \
                 constraint: Member must not be null.",
            );
        }
        let (first, rest) = self.field.split_at(1);
        ApiError::missing(self.field, &format!("{}{rest}", first.to_ascii_lowercase()))
    }
}
