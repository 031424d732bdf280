//! The command itself.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use lambda_esm_lab::import::{Format, ImportProblem, ImportSettings, Imported, import};

use super::lines::told;
use super::{configuration, scenario};
use crate::config::Problem;
use crate::config::yaml::Location;
use crate::failure::Failure;
use crate::output;

const EXAMPLES: &str = "\
Reads SAM and CloudFormation templates, what CDK synthesises (cdk.out/*.template.json), serverless.yml, what \
`terraform show -json` prints of a state or a plan, and what `aws lambda get-event-source-mapping` and \
`list-event-source-mappings` print. Every property of a mapping is carried, or listed on standard error with the \
reason. Functions become simulated ones, with a comment about what runs the real one.

Examples:
  lambda-esm import template.yaml > lambda-esm.yaml
  lambda-esm import template.yaml --scenario --output scenario.yaml
  lambda-esm import cdk.out/Shop.template.json --parameter Stage=prod --region eu-west-1
  terraform show -json | lambda-esm import -
  aws lambda list-event-source-mappings | lambda-esm import --json - | jq .not_carried

Exit codes: 0 imported, also if something is listed; 1 failure, 64 wrong usage, 78 the template cannot be read.";

/// The largest template that is read, in bytes; one byte more is how a larger one shows.
const MOST_BYTES: u64 = 4 * 1024 * 1024 + 1;

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The template, YAML or JSON; `-` for standard input.
    template: PathBuf,
    /// What the template is: sam, cloudformation, cdk, serverless, terraform or api; told by its content otherwise.
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write a scenario for `simulate` instead of a configuration.
    #[arg(long)]
    scenario: bool,
    /// Write to a file, which must not exist yet, instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print one JSON object instead: mappings, functions, sources, not_carried.
    #[arg(long, conflicts_with = "scenario")]
    json: bool,
    /// The Region that ARNs of the template's resources are made for.
    #[arg(long, value_name = "REGION", value_parser = region)]
    region: Option<String>,
    /// The account that they are made for: 12 digits.
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    account: Option<String>,
    /// The value of a parameter, an export or a variable; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    parameter: Vec<(String, String)>,
}

/// Imports a template.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let name = args.template.display().to_string();
    let bytes = read(&args.template)
        .map_err(|error| Failure::general(format!("{name}: cannot be read: {error}")))?;
    let settings = ImportSettings {
        format: args.format,
        region: args.region.clone(),
        account_id: args.account.clone(),
        parameters: args.parameter.iter().cloned().collect(),
    };
    let imported = import(&bytes, &settings).map_err(|problems| {
        let problems = problems.into_iter().map(|problem| shown(&name, problem));
        Failure::Configuration(problems.collect())
    })?;
    if args.json {
        let mut line = Vec::new();
        output::append_json(&mut line, &imported)?;
        return write(args.output.as_deref(), &line);
    }
    let text = if args.scenario {
        scenario::write(&name, &imported)?
    } else {
        configuration::write(&name, &imported)?
    };
    write(args.output.as_deref(), text.as_bytes())?;
    if !imported.not_carried.is_empty() {
        output::complain(&list(&name, &imported));
    }
    Ok(())
}

/// Returns the scenario that a template makes, and what could not be carried; `None` if it is no template.
pub(crate) fn as_scenario(template: &Path, text: &str) -> Option<(String, Vec<String>)> {
    let imported = import(text.as_bytes(), &ImportSettings::new()).ok()?;
    let name = template.display().to_string();
    let not_carried = imported.not_carried.iter().map(told).collect();
    Some((scenario::write(&name, &imported).ok()?, not_carried))
}

fn read(template: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if template == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(MOST_BYTES)
            .read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(template)?
            .take(MOST_BYTES)
            .read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn write(output: Option<&Path>, text: &[u8]) -> Result<(), Failure> {
    let Some(path) = output else {
        return output::bytes(text);
    };
    let file = std::fs::File::create_new(path);
    file.and_then(|mut file| file.write_all(text))
        .map_err(|error| {
            let hint = match error.kind() {
                std::io::ErrorKind::AlreadyExists => "; name another file, or remove this one",
                _ => "",
            };
            Failure::general(format!(
                "{}: cannot be written: {error}{hint}",
                path.display()
            ))
        })
}

fn shown(file: &str, problem: ImportProblem) -> Problem {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    Problem {
        file: file.into(),
        location: problem.line.map(|line| Location {
            line: count(line),
            column: count(problem.column.unwrap_or(1)),
        }),
        field: problem.path,
        value: problem.value.map(|value| format!("{value:?}")),
        rule: problem.reason,
        hint: Some(problem.way_out),
    }
}

/// Says what was not carried.
fn list(name: &str, imported: &Imported) -> String {
    let count = imported.not_carried.len();
    let what = if count == 1 {
        "value was"
    } else {
        "values were"
    };
    let mut text = format!("{count} {what} not carried:\n");
    for found in &imported.not_carried {
        text.push_str(&format!("{name}:{}: {}\n", found.line, told(found)));
    }
    text
}

fn region(text: &str) -> Result<String, String> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !text.is_empty() && text.bytes().all(legal) {
        Ok(text.to_owned())
    } else {
        Err("must be a Region such as us-east-1".to_owned())
    }
}

fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("must be 12 digits".to_owned())
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("must be NAME=VALUE".to_owned()),
    }
}
