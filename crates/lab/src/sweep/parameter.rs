//! Which settings a sweep may change, and how they are named.

use std::fmt;
use std::str::FromStr;

use super::PlanError;

/// The settings of a mapping that a sweep may change, spelled as in the API. What makes another mapping of it, its source
/// and its function, is not among them.
const MAPPING: [&str; 20] = [
    "BatchSize",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "DestinationConfig.OnFailure.Destination",
    "Enabled",
    "FilterCriteria",
    "FunctionResponseTypes",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "ProvisionedPollerConfig",
    "ProvisionedPollerConfig.MaximumPollers",
    "ProvisionedPollerConfig.MinimumPollers",
    "ProvisionedPollerConfig.PollerGroupName",
    "ScalingConfig",
    "ScalingConfig.MaximumConcurrency",
    "StartingPosition",
    "StartingPositionTimestamp",
    "TumblingWindowInSeconds",
];

const FUNCTION: [(&str, FunctionSetting); 3] = [
    ("memory_mb", FunctionSetting::MemoryMb),
    ("reserved_concurrency", FunctionSetting::ReservedConcurrency),
    ("timeout", FunctionSetting::Timeout),
];

const SOURCE: [(&str, SourceSetting); 5] = [
    ("max_receive_count", SourceSetting::MaxReceiveCount),
    ("partitions", SourceSetting::Partitions),
    ("retention", SourceSetting::Retention),
    ("shards", SourceSetting::Shards),
    ("visibility_timeout", SourceSetting::VisibilityTimeout),
];

/// A parameter of a scenario: `BatchSize` of all mappings, `mappings[0].ScalingConfig.MaximumConcurrency`,
/// `functions[orders].memory_mb`, `sources[1].shards`. In brackets stands the place, or the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub(super) which: Which,
    pub(super) setting: Setting,
}

/// Which mappings, functions or sources are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    All,
    Index(usize),
    Name(String),
}

/// What of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Setting {
    /// A member of the request, with its parents.
    Mapping(&'static str),
    Function(FunctionSetting),
    Source(SourceSetting),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum FunctionSetting {
    MemoryMb,
    ReservedConcurrency,
    Timeout,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum SourceSetting {
    MaxReceiveCount,
    Partitions,
    Retention,
    Shards,
    VisibilityTimeout,
}

impl Setting {
    /// Finds a setting by its name, among those of `list` or of all.
    fn find(list: Option<&str>, name: &str) -> Result<Self, PlanError> {
        let among = |wanted: &str| list.is_none_or(|list| list == wanted);
        let mapping = MAPPING.into_iter().filter(|_| among("mappings"));
        let function = FUNCTION.into_iter().filter(|_| among("functions"));
        let source = SOURCE.into_iter().filter(|_| among("sources"));
        let all: Vec<(&str, Self)> = mapping
            .map(|name| (name, Self::Mapping(name)))
            .chain(function.map(|(name, setting)| (name, Self::Function(setting))))
            .chain(source.map(|(name, setting)| (name, Self::Source(setting))))
            .collect();
        if let Some((_, setting)) = all.iter().find(|(known, _)| *known == name) {
            return Ok(*setting);
        }
        let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
        let alike = all.iter().find(|(known, _)| last(known) == last(name));
        Err(PlanError::new(match alike {
            Some((known, _)) => {
                format!("{name} is no parameter that can be swept; did you mean {known}?")
            }
            None => {
                let known: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
                format!(
                    "{name} is no parameter that can be swept; there are {}",
                    known.join(", ")
                )
            }
        }))
    }

    /// Returns where it belongs: `mappings`, `functions` or `sources`.
    pub(super) const fn list(self) -> &'static str {
        match self {
            Self::Mapping(_) => "mappings",
            Self::Function(_) => "functions",
            Self::Source(_) => "sources",
        }
    }

    /// Returns its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mapping(name) => name,
            Self::Function(setting) => name_of(&FUNCTION, setting),
            Self::Source(setting) => name_of(&SOURCE, setting),
        }
    }
}

fn name_of<T: PartialEq>(names: &[(&'static str, T)], setting: T) -> &'static str {
    let found = names.iter().find(|(_, known)| *known == setting);
    found.map_or("", |(name, _)| name)
}

impl FromStr for Parameter {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let Some((list, rest)) = text.split_once('[') else {
            let setting = Setting::find(None, text)?;
            let which = Which::All;
            return Ok(Self { which, setting });
        };
        let malformed = || {
            PlanError::new(format!(
                "{text} is no path of a parameter: write BatchSize, mappings[0].BatchSize, functions[NAME].memory_mb or \
                 sources[0].shards"
            ))
        };
        if !["mappings", "functions", "sources"].contains(&list) {
            return Err(malformed());
        }
        let (which, name) = rest.rsplit_once("].").ok_or_else(malformed)?;
        Ok(Self {
            which: which
                .parse()
                .map_or_else(|_| Which::Name(which.to_owned()), Which::Index),
            setting: Setting::find(Some(list), name)?,
        })
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (list, name) = (self.setting.list(), self.setting.name());
        match &self.which {
            Which::All => out.write_str(name),
            Which::Index(index) => write!(out, "{list}[{index}].{name}"),
            Which::Name(which) => write!(out, "{list}[{which}].{name}"),
        }
    }
}
