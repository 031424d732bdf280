//! The functions, and what runs them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lambda_esm_engine::simulated::{Behaviour, Runtime};
use lambda_esm_runtime::http::{HttpBackend, HttpConfig};
use lambda_esm_runtime::process::ProcessConfig;

use super::fields::{Field, Section};
use super::problem::Problems;
use super::yaml::{Node, Value, join};

/// Lambda's range for a function's timeout (Lambda API reference, `Timeout`).
const RUN_SECONDS: std::ops::RangeInclusive<f64> = 1.0..=900.0;

/// One function of the configuration.
pub(crate) struct FunctionSettings {
    /// Its bare name, or `*` for every name that is not configured.
    pub(crate) name: String,
    pub(crate) backend: Backend,
}

/// What runs a function.
pub(crate) enum Backend {
    /// A Lambda Invoke API.
    #[cfg(feature = "lambda-api")]
    LambdaApi(lambda_esm_aws::LambdaOptions),
    /// A Lambda runtime as local processes.
    Process(Box<ProcessConfig>),
    /// A plain HTTP function.
    Http(Box<HttpConfig>),
    /// A function that only takes time.
    Simulated(Behaviour),
}

/// What all functions share.
pub(super) struct FunctionContext<'a> {
    /// The folder of the configuration file, where relative paths begin.
    pub(super) folder: &'a Path,
    pub(super) region: &'a str,
    pub(super) account_id: &'a str,
}

/// Reads all functions.
pub(super) fn read(
    field: &Field<'_>,
    context: &FunctionContext<'_>,
    problems: &mut Problems,
) -> Vec<FunctionSettings> {
    let mut functions = Vec::new();
    for (member, entry) in field.entries(problems).unwrap_or_default() {
        if !is_function_name(&member.key) {
            problems.add(member.location, &entry.path, "is no name of a function");
            problems.hint("use letters, digits, - and _, or \"*\" for every other name");
        }
        let backend = backend(&member.key, &entry, context, problems);
        functions.extend(backend.map(|backend| FunctionSettings {
            name: member.key.clone(),
            backend,
        }));
    }
    functions
}

/// Returns the names that the file defines and that may be shown, also of functions that have problems.
pub(super) fn names(field: &Field<'_>) -> Vec<String> {
    match &field.node.value {
        Value::Map(members) => {
            let shown = members.iter().filter(|member| member.is_shown());
            shown.map(|member| member.key.clone()).collect()
        }
        _ => Vec::new(),
    }
}

/// Lambda's rule for names (Lambda API reference, `FunctionName`), without ARNs and qualifiers.
fn is_function_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name == "*" || !name.is_empty() && name.len() <= 64 && name.bytes().all(legal)
}

fn backend(
    name: &str,
    entry: &Field<'_>,
    context: &FunctionContext<'_>,
    problems: &mut Problems,
) -> Option<Backend> {
    let mut section = entry.section(problems)?;
    let kind = section.require("backend", "process", problems)?;
    // The kind is read first, so that every other message is about the fields of that kind.
    match kind.text(problems)? {
        "lambda-api" => lambda_api(&kind, section, problems),
        "process" if name == "*" => {
            problems.add(
                kind.node.location,
                &kind.path,
                "a process runs one function, not every other one",
            );
            problems.hint("give each function its own name, or use lambda-api or http for \"*\"");
            None
        }
        "process" => process(name, section, context, problems),
        "http" => http(section, problems),
        "simulated" => simulated(section, problems).map(Backend::Simulated),
        _ => {
            let rule = "must be lambda-api or process or http or simulated";
            problems.refuse(kind.node, &kind.path, rule);
            None
        }
    }
}

#[cfg(not(feature = "lambda-api"))]
fn lambda_api(kind: &Field<'_>, _: Section<'_>, problems: &mut Problems) -> Option<Backend> {
    problems.refuse(
        kind.node,
        &kind.path,
        "this build of lambda-esm has no Lambda API client",
    );
    problems.hint("build it with `--features lambda-api` or `--features full`");
    None
}

#[cfg(feature = "lambda-api")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "builds without the feature return none"
)]
fn lambda_api(_: &Field<'_>, mut section: Section<'_>, problems: &mut Problems) -> Option<Backend> {
    let mut options = lambda_esm_aws::LambdaOptions::default();
    if let Some(endpoint) = section.take("endpoint") {
        options.endpoint = super::endpoints::parse(&endpoint, problems);
    }
    if let Some(field) = section.take("timeout") {
        options.timeout = field.seconds(RUN_SECONDS, problems);
    }
    options.concurrency = concurrency(&mut section, problems);
    section.finish(problems);
    Some(Backend::LambdaApi(options))
}

fn process(
    name: &str,
    mut section: Section<'_>,
    context: &FunctionContext<'_>,
    problems: &mut Problems,
) -> Option<Backend> {
    let command = section.require(
        "command",
        "[python3, -m, awslambdaric, app.handler]",
        problems,
    );
    let command = command.and_then(|field| words(&field, problems));
    let mut config = ProcessConfig::new(name, command.clone().unwrap_or_default());
    context.region.clone_into(&mut config.region);
    context.account_id.clone_into(&mut config.account_id);
    config.concurrency = concurrency(&mut section, problems).unwrap_or(config.concurrency);
    if let Some(field) = section.take("timeout") {
        config.timeout = field
            .seconds(RUN_SECONDS, problems)
            .unwrap_or(config.timeout);
    }
    if let Some(field) = section.take("memory_mb") {
        let value = field.integer(128..=10_240, "MB", problems);
        config.memory_mb = value
            .and_then(|value| value.try_into().ok())
            .unwrap_or(config.memory_mb);
    }
    if let Some(field) = section.take("env") {
        config.env = secret_texts(&field, problems);
    }
    if let Some(field) = section.take("working_dir") {
        config.working_dir = folder(&field, context.folder, problems);
    }
    section.finish(problems);
    command.map(|_| Backend::Process(Box::new(config)))
}

/// Reads how many invocations may run at a time.
fn concurrency(section: &mut Section<'_>, problems: &mut Problems) -> Option<usize> {
    let value = section
        .take("concurrency")?
        .integer(1..=1_000, "", problems);
    value.and_then(|value| value.try_into().ok())
}

/// Reads a program and its arguments.
fn words(field: &Field<'_>, problems: &mut Problems) -> Option<Vec<String>> {
    let before = problems.len();
    let items = field.list(problems)?;
    let words: Vec<String> = items
        .iter()
        .filter_map(|item| item.text(problems))
        .map(str::to_owned)
        .collect();
    if words.first().is_none_or(String::is_empty) && problems.len() == before {
        problems.add(
            field.node.location,
            &field.path,
            "must begin with a program",
        );
        problems.hint("for example [python3, -m, awslambdaric, app.handler]");
    }
    (problems.len() == before).then_some(words)
}

fn folder(field: &Field<'_>, base: &Path, problems: &mut Problems) -> Option<PathBuf> {
    let folder = base.join(field.text(problems)?);
    if !folder.is_dir() {
        problems.refuse(
            field.node,
            &field.path,
            format!("there is no folder {}", folder.display()),
        );
        problems.hint("relative paths begin at the folder of the configuration file");
        return None;
    }
    Some(folder)
}

fn secret_texts(field: &Field<'_>, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for (member, entry) in field.entries(problems).unwrap_or_default() {
        if let Some(text) = entry.secret_text(problems) {
            if member.key.is_empty() || member.key.contains(['=', '\0']) || text.contains('\0') {
                problems.add(
                    member.location,
                    &entry.path,
                    "must be a name without =, and hold no NUL",
                );
            }
            texts.insert(member.key.clone(), text.to_owned());
        }
    }
    texts
}

/// Reads headers, and checks each at its own location.
fn headers(field: &Field<'_>, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    for (member, entry) in field.entries(problems).unwrap_or_default() {
        let Some(text) = entry.secret_text(problems) else {
            continue;
        };
        match HttpConfig::check_header(&member.key, text) {
            Ok(()) => drop(headers.insert(member.key.clone(), text.to_owned())),
            Err(rule) => problems.add(member.location, &entry.path, format!("a header {rule}")),
        }
    }
    headers
}

fn http(mut section: Section<'_>, problems: &mut Problems) -> Option<Backend> {
    let url = section.require("url", "http://127.0.0.1:8080/", problems);
    let text = url.as_ref().and_then(|field| field.text(problems));
    let mut config = HttpConfig::new(text.unwrap_or_default());
    if let Some(field) = section.take("timeout") {
        config.timeout = field
            .seconds(0.001..=900.0, problems)
            .unwrap_or(config.timeout);
    }
    config.concurrency = concurrency(&mut section, problems);
    if let Some(field) = section.take("headers") {
        config.headers = headers(&field, problems);
    }
    section.finish(problems);
    let (url, _) = (url?, text?);
    if let Err(error) = HttpBackend::new(config.clone()) {
        // The error shows the value itself, without secrets.
        let rule = format!("{} is refused: {}", error.value, error.rule);
        problems.explain(url.node, &url.path, rule);
    }
    Some(Backend::Http(Box::new(config)))
}

fn simulated(mut section: Section<'_>, problems: &mut Problems) -> Option<Behaviour> {
    let mut behaviour = Behaviour::default();
    if let Some(field) = section.take("duration_ms") {
        behaviour.runtime = runtime(&field, problems).unwrap_or(behaviour.runtime);
    }
    for (key, rate) in [
        ("error_rate", &mut behaviour.error_rate),
        ("throttle_rate", &mut behaviour.throttle_rate),
        ("record_error_rate", &mut behaviour.record_error_rate),
    ] {
        *rate = section
            .take(key)
            .and_then(|field| field.share(problems))
            .unwrap_or_default();
    }
    if let Some(field) = section.take("concurrency") {
        let value = field.integer(1..=100_000, "", problems);
        behaviour.concurrency = value.and_then(|value| value.try_into().ok());
    }
    if let Some(field) = section.take("seed") {
        let value = field.integer(0..=i64::MAX, "", problems);
        behaviour.seed = value
            .and_then(|value| value.try_into().ok())
            .unwrap_or_default();
    }
    section.finish(problems);
    Some(behaviour)
}

/// Reads a number of milliseconds, `{min_ms, max_ms}` or `{p50_ms, p99_ms}`.
fn runtime(field: &Field<'_>, problems: &mut Problems) -> Option<Runtime> {
    if !matches!(field.node.value, Value::Map(_)) {
        return milliseconds(field, problems).map(Runtime::Constant);
    }
    let mut section = field.section(problems)?;
    let [min, max, p50, p99] = ["min_ms", "max_ms", "p50_ms", "p99_ms"].map(|key| {
        section
            .take(key)
            .map(|field| milliseconds(&field, problems))
    });
    section.finish(problems);
    let (low, high, uniform) = match (min, max, p50, p99) {
        (Some(min), Some(max), None, None) => (min?, max?, true),
        (None, None, Some(p50), Some(p99)) => (p50?, p99?, false),
        _ => {
            problems.add(
                field.node.location,
                &field.path,
                "must be a number, or two bounds of one kind",
            );
            problems.hint("for example 20, {min_ms: 5, max_ms: 50} or {p50_ms: 20, p99_ms: 200}");
            return None;
        }
    };
    if low > high {
        let (less, more) = if uniform {
            ("min_ms", "max_ms")
        } else {
            ("p50_ms", "p99_ms")
        };
        problems.add(
            field.node.location,
            &field.path,
            format!("{less} must not exceed {more}"),
        );
        return None;
    }
    Some(if uniform {
        Runtime::Uniform(low, high)
    } else {
        Runtime::LogNormal {
            p50: low,
            p99: high,
        }
    })
}

fn milliseconds(field: &Field<'_>, problems: &mut Problems) -> Option<Duration> {
    let value = field.number(0.0..=900_000.0, "milliseconds", problems)?;
    Some(Duration::from_secs_f64(value / 1000.0))
}

/// Checks that a mapping's function is configured.
pub(super) fn check_known(
    name: &str,
    at: &Node,
    path: &str,
    known: &[String],
    problems: &mut Problems,
) {
    if known.iter().any(|known| known == name || known == "*") {
        return;
    }
    let path = join(path, "FunctionName");
    problems.refuse(
        at,
        &path,
        format!("there is no function {name:?} in functions"),
    );
    let known = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    problems.hint(format!(
        "configured are: {known}; add it, or \"*\" for every other name"
    ));
}
