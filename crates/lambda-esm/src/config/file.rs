//! The file as a whole.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lambda_esm_core::filter::{Dialect, Limits};
use lambda_esm_core::mapping::Context;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_engine::{Clock, EngineOptions};
use uuid::Uuid;

use super::endpoints::{self, Endpoints};
use super::functions::{self, FunctionSettings, Surroundings};
use super::mappings::{self, MappingSettings};
use super::node::Node;
use super::problem::{Problem, Problems};
use super::section::{Field, Section};

/// The file that `run` reads if none is named.
pub(crate) const DEFAULT_FILE: &str = "lambda-esm.yaml";

/// Settings of the plan that are not built yet, and what each would do.
const LATER: [(&str, &str); 4] = [
    ("api", "the control-plane API"),
    ("state_dir", "state that survives a restart"),
    ("role_arn", "the role in Kinesis events"),
    ("secrets", "secrets for brokers"),
];

/// A configuration that is valid by all rules that need no server.
pub(crate) struct Configuration {
    pub(crate) file: PathBuf,
    /// The Region of ARNs and requests; default `us-east-1`.
    pub(crate) region: String,
    /// The account of ARNs, 12 digits; default `000000000000`.
    pub(crate) account_id: String,
    pub(crate) pacing: Pacing,
    pub(crate) dialect: Dialect,
    pub(crate) filter_limits: Limits,
    /// How long stopping may take; default 30 s.
    pub(crate) drain: Duration,
    /// Whether decisions name their messages.
    pub(crate) detail: bool,
    #[cfg_attr(
        not(any(feature = "sqs", feature = "lambda-api")),
        expect(dead_code, reason = "a build without AWS clients calls no endpoint")
    )]
    pub(crate) endpoints: Endpoints,
    pub(crate) functions: Vec<FunctionSettings>,
    pub(crate) mappings: Vec<MappingSettings>,
}

impl Configuration {
    /// Reads a file.
    ///
    /// # Errors
    /// All that is wrong with it, in the order of the file.
    pub(crate) fn load(path: &Path) -> Result<Self, Vec<Problem>> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&name, &text),
            Err(error) => {
                let mut problems = Problems::new(&name);
                problems.add(None, "", format!("cannot be read: {error}"));
                problems.hint("name the configuration file, for example `lambda-esm run my.yaml`");
                Err(problems.into_sorted())
            }
        }
    }

    fn parse(name: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new(name);
        let root = Node::parse(text, &mut problems);
        let configuration = root.and_then(|root| read(Path::new(name), &root, &mut problems));
        match configuration {
            Some(configuration) if problems.is_empty() => Ok(configuration),
            _ => Err(problems.into_sorted()),
        }
    }

    /// Returns the engine's settings.
    pub(crate) fn engine_options(&self) -> EngineOptions {
        EngineOptions {
            region: self.region.clone(),
            account_id: self.account_id.clone(),
            pacing: self.pacing,
            dialect: self.dialect,
            filter_limits: self.filter_limits,
            drain_limit: self.drain,
            detail: self.detail,
            ..EngineOptions::default()
        }
    }
}

fn read(path: &Path, root: &Node, problems: &mut Problems) -> Option<Configuration> {
    let mut section = Section::new(root, "", problems)?;
    let defaults = EngineOptions::default();
    let region = section
        .take("region")
        .and_then(|field| region(&field, problems));
    let region = region.unwrap_or(defaults.region);
    let account_id = section
        .take("account_id")
        .and_then(|field| account_id(&field, problems));
    let account_id = account_id.unwrap_or(defaults.account_id);
    let pacing = section
        .take("pacing")
        .and_then(|field| field.parse(problems));
    let (dialect, filter_limits) = section
        .take("filters")
        .and_then(|field| filters(&field, problems))
        .unwrap_or_default();
    let drain = section.take("drain_seconds");
    let drain = drain.and_then(|field| field.seconds(0.0..=900.0, problems));
    let detail = section
        .take("decisions")
        .and_then(|field| field.choice(&[("brief", false), ("detailed", true)], problems));
    for (key, what) in LATER {
        if let Some(field) = section.take(key) {
            problems.add(field.node.place, key, format!("{what}: not supported yet"));
            problems.hint("leave it out");
        }
    }
    let endpoints = endpoints::read(section.take("endpoints").as_ref(), problems);
    let around = Surroundings {
        folder: path.parent().unwrap_or_else(|| Path::new("")),
        region: &region,
        account_id: &account_id,
    };
    let functions = section.take("functions");
    let known = functions.as_ref().map(functions::names).unwrap_or_default();
    let functions = functions.map(|field| functions::read(&field, &around, problems));
    let context = Context {
        region: region.clone(),
        account_id: account_id.clone(),
        uuid: Uuid::nil(),
        now: Clock::system().now(),
        filter_limits,
        dialect,
    };
    let mappings = section.require(
        "mappings",
        "[{EventSourceArn: …, FunctionName: …}]",
        problems,
    );
    let mappings = mappings.map(|field| mappings::read(&field, &context, &known, problems));
    section.finish(problems);
    Some(Configuration {
        file: path.to_owned(),
        region,
        account_id,
        pacing: pacing.unwrap_or_default(),
        dialect,
        filter_limits,
        drain: drain.unwrap_or(defaults.drain_limit),
        detail: detail.unwrap_or(defaults.detail),
        endpoints,
        functions: functions.unwrap_or_default(),
        mappings: mappings.unwrap_or_default(),
    })
}

fn region(field: &Field<'_>, problems: &mut Problems) -> Option<String> {
    let text = field.text(problems)?;
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() || !text.bytes().all(legal) {
        problems.refuse(
            field.node,
            &field.path,
            "must be a Region such as us-east-1",
        );
        return None;
    }
    Some(text.to_owned())
}

fn account_id(field: &Field<'_>, problems: &mut Problems) -> Option<String> {
    let text = field.text(problems)?;
    if text.len() != 12 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        problems.refuse(field.node, &field.path, "must be 12 digits in quotes");
        return None;
    }
    Some(text.to_owned())
}

fn filters(field: &Field<'_>, problems: &mut Problems) -> Option<(Dialect, Limits)> {
    let mut section = field.section(problems)?;
    let mut limits = Limits::default();
    let dialect = section
        .take("dialect")
        .and_then(|field| field.parse(problems));
    if let Some(field) = section.take("maximum") {
        let value = field.integer(1..=10, "filters for each mapping", problems);
        limits.max_filters = value
            .and_then(|value| value.try_into().ok())
            .unwrap_or(limits.max_filters);
    }
    section.finish(problems);
    Some((dialect.unwrap_or_default(), limits))
}
