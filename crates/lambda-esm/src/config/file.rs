//! The file as a whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lambda_esm_api::ApiOptions;
use lambda_esm_core::mapping::{Arn, Context, Partition};
use lambda_esm_engine::memory::MemorySecrets;
use lambda_esm_engine::{Clock, EngineOptions};
use uuid::Uuid;

use super::api;
use super::brokers::{self, Brokers};
use super::endpoints::{self, Endpoints};
use super::fields::{Field, Section};
use super::functions::{self, Backend, FunctionContext, FunctionSettings};
use super::kafka::{self, KafkaSettings};
use super::mappings::{self, Clients, MappingSettings};
use super::problem::{Problem, Problems};
use super::record::{self, RecordSettings};
use super::secrets;
use super::yaml::Node;

/// The file that `run` reads if none is named.
pub(crate) const DEFAULT_FILE: &str = "lambda-esm.yaml";

/// A configuration that is valid by all rules that need no server.
pub(crate) struct Configuration {
    pub(crate) file: PathBuf,
    /// What holds for all mappings. Defaults are those of [`EngineOptions`].
    pub(crate) options: EngineOptions,
    /// What named the region.
    pub(crate) region_origin: String,
    /// What of the surroundings has no effect, in words.
    pub(crate) notes: Vec<String>,
    /// The control-plane API; `None` for none.
    pub(crate) api: Option<ApiOptions>,
    /// Where mappings and checkpoints are kept; `None` for in memory.
    pub(crate) state_dir: Option<PathBuf>,
    /// What the daemon records of sources; `None` for nothing.
    pub(crate) record: Option<RecordSettings>,
    #[cfg_attr(
        not(feature = "aws"),
        expect(dead_code, reason = "a build without AWS clients calls no endpoint")
    )]
    pub(crate) endpoints: Endpoints,
    /// The secrets of the file, by ARN; those of Secrets Manager come after them.
    pub(crate) secrets: Arc<MemorySecrets>,
    #[cfg_attr(
        not(feature = "kafka"),
        expect(dead_code, reason = "a build without Kafka has no settings of it")
    )]
    pub(crate) kafka: KafkaSettings,
    #[cfg_attr(
        not(feature = "brokers"),
        expect(dead_code, reason = "a build without their clients has no brokers")
    )]
    pub(crate) brokers: Brokers,
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

    pub(crate) fn parse(name: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new(name);
        let root = Node::parse(text, &mut problems);
        let configuration = root.and_then(|root| read(Path::new(name), &root, &mut problems));
        match configuration {
            Some(configuration) if problems.is_empty() => Ok(configuration),
            _ => Err(problems.into_sorted()),
        }
    }

    /// Returns how the AWS clients find their services.
    #[cfg(feature = "aws")]
    pub(crate) fn aws(&self) -> lambda_esm_aws::AwsConfig {
        lambda_esm_aws::AwsConfig::default()
            .with_region(self.options.region.clone())
            .with_account_id(self.options.account_id.clone())
            .with_endpoints(self.endpoints.clone())
    }
}

fn read(path: &Path, root: &Node, problems: &mut Problems) -> Option<Configuration> {
    let mut section = Section::new(root, "", problems)?;
    let endpoints = section.take("endpoints");
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let clusters = kafka::clusters(endpoints.as_ref(), problems);
    let brokers = brokers::read(endpoints.as_ref(), folder, problems);
    let endpoints = endpoints::read(endpoints.as_ref(), problems);
    let mut notes = Vec::new();
    if let Some(why) = endpoints::unreadable(&endpoints) {
        let note = "the AWS profile cannot be read, and nothing is taken from it";
        notes.push(format!("{note}: {why}"));
    }
    let around = endpoints::region(&endpoints);
    let (region, region_origin) = region(&mut section, around, &mut notes, problems);
    let options = options(&mut section, region, problems);
    let secrets = secrets::read(section.take("secrets").as_ref(), problems);
    let kafka = kafka::read(section.take("kafka").as_ref(), clusters, problems);
    let api = section.take("api");
    let api = api.and_then(|field| api::read(&field, &options.region, problems));
    let state_dir = section.take("state_dir");
    let state_dir = state_dir
        .and_then(|field| field.text(problems))
        .map(|dir| folder.join(dir));
    let of_functions = FunctionContext {
        folder,
        region: &options.region,
        account_id: &options.account_id,
    };
    let functions = section.take("functions");
    let known = functions.as_ref().map(functions::names).unwrap_or_default();
    let functions = functions.map(|field| functions::read(&field, &of_functions, problems));
    let context = Context {
        region: options.region.clone(),
        account_id: options.account_id.clone(),
        uuid: Uuid::nil(),
        now: Clock::system().now(),
        filter_limits: options.filter_limits,
        dialect: options.dialect,
    };
    let example = "[{EventSourceArn: …, FunctionName: …}]";
    let mappings = match api {
        // Then mappings can be made through the API.
        Some(_) => section.take("mappings"),
        None => section.require("mappings", example, problems),
    };
    let mappings =
        mappings.map(|field| mappings::read(&field, &context, &known, Clients::Needed, problems));
    let record = section.take("record");
    section.finish(problems);
    let functions = functions.unwrap_or_default();
    let mappings = mappings.unwrap_or_default();
    let record = record.and_then(|field| record::read(&field, folder, &mappings, problems));
    check_simulated(&functions, &mappings, problems);
    brokers.check(&mappings, problems);
    Some(Configuration {
        file: path.to_owned(),
        options,
        region_origin,
        notes,
        api,
        state_dir,
        record,
        endpoints,
        secrets: Arc::new(secrets),
        kafka,
        brokers,
        functions,
        mappings,
    })
}

/// Refuses failures of single records where nobody would look at them.
fn check_simulated(
    functions: &[FunctionSettings],
    mappings: &[MappingSettings],
    problems: &mut Problems,
) {
    for (index, settings) in mappings.iter().enumerate() {
        let named = |name: &str| functions.iter().find(|function| function.name == name);
        let name = settings.mapping.function.name();
        let backend = named(name).or_else(|| named("*"));
        let fails = matches!(
            backend.map(|function| &function.backend),
            Some(Backend::Simulated(behaviour)) if behaviour.record_error_rate > 0.0
        );
        if fails && !settings.reports_failures() {
            problems.add(
                settings.location,
                &format!("mappings[{index}].FunctionResponseTypes"),
                format!(
                    "must be [ReportBatchItemFailures]: the simulated function {name} has a \
                     record_error_rate"
                ),
            );
            problems.hint("add it, or set error_rate, the share of invocations that fail");
        }
    }
}

/// Reads what holds for all mappings.
fn options(section: &mut Section<'_>, region: String, problems: &mut Problems) -> EngineOptions {
    let mut options = EngineOptions::default().with_region(region);
    if let Some(field) = section.take("account_id") {
        options.account_id = account_id(&field, problems).unwrap_or(options.account_id);
    }
    let role = section.take("role_arn");
    options.role_arn = role
        .and_then(|field| role_arn(&field, problems))
        .unwrap_or_else(|| {
            let partition = Partition::of_region(&options.region).name;
            format!(
                "arn:{partition}:iam::{}:role/lambda-role",
                options.account_id
            )
        });
    if let Some(field) = section.take("pacing") {
        options.pacing = field.parse(problems).unwrap_or_default();
    }
    if let Some(field) = section.take("share_group_retries") {
        options.share_group_retries = field.parse(problems).unwrap_or_default();
    }
    if let Some(field) = section.take("filters") {
        filters(&field, &mut options, problems);
    }
    if let Some(field) = section.take("drain_seconds") {
        let bound = field.seconds(0.0..=900.0, problems);
        options.drain_limit = bound.unwrap_or(options.drain_limit);
    }
    if let Some(field) = section.take("decisions") {
        let choices = [("brief", false), ("detailed", true)];
        options.detail = field.choice(&choices, problems).unwrap_or_default();
    }
    options
}

/// Returns the region and what named it. The file comes first; `around` is what the environment or the AWS
/// profile says.
fn region(
    section: &mut Section<'_>,
    around: Option<(&str, &str)>,
    notes: &mut Vec<String>,
    problems: &mut Problems,
) -> (String, String) {
    const RULE: &str = "must be a Region such as us-east-1";
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let legal = |text: &str| !text.is_empty() && text.bytes().all(legal);
    let named = section.take("region");
    let named = named.and_then(|field| Some((field.text(problems)?, field)));
    let (region, origin) = match (named, around) {
        (Some((region, field)), _) if !legal(region) => {
            problems.refuse(field.node, &field.path, RULE);
            (region, "the file")
        }
        (Some((region, _)), Some((other, origin))) if region != other => {
            notes.push(format!(
                "{origin} is {other}, and is not used: the file says {region}"
            ));
            (region, "the file")
        }
        (Some((region, _)), _) => (region, "the file"),
        (None, Some((region, origin))) => {
            if !legal(region) {
                problems.add(None, origin, format!("is {region:?}: {RULE}"));
            }
            (region, origin)
        }
        (None, None) => ("us-east-1", "the default"),
    };
    (region.to_owned(), origin.to_owned())
}

fn account_id(field: &Field<'_>, problems: &mut Problems) -> Option<String> {
    let text = field.text(problems)?;
    if text.len() != 12 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        problems.refuse(field.node, &field.path, "must be 12 digits in quotes");
        return None;
    }
    Some(text.to_owned())
}

/// Reads the ARN of an IAM role (IAM user guide, "IAM ARNs": a role has no Region).
fn role_arn(field: &Field<'_>, problems: &mut Problems) -> Option<String> {
    let text = field.text(problems)?;
    let is_role = |arn: &Arn| {
        let account = arn.account();
        let name = arn.resource().strip_prefix("role/").unwrap_or_default();
        arn.service() == "iam"
            && arn.region().is_empty()
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !Arn::parse(text).is_some_and(|arn| is_role(&arn)) {
        let rule =
            "must be the ARN of an IAM role such as arn:aws:iam::000000000000:role/lambda-role";
        problems.refuse(field.node, &field.path, rule);
        return None;
    }
    Some(text.to_owned())
}

fn filters(field: &Field<'_>, options: &mut EngineOptions, problems: &mut Problems) {
    let Some(mut section) = field.section(problems) else {
        return;
    };
    if let Some(field) = section.take("dialect") {
        options.dialect = field.parse(problems).unwrap_or_default();
    }
    if let Some(field) = section.take("maximum") {
        let value = field.integer(1..=10, "filters for each mapping", problems);
        let value = value.and_then(|value| value.try_into().ok());
        options.filter_limits.max_filters = value.unwrap_or(options.filter_limits.max_filters);
    }
    section.finish(problems);
}
