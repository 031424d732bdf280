//! `lambda-esm mappings`: manages the mappings of a running daemon.

mod events;
mod find;
mod input;
mod list;

use http::Method;
use serde_json::Value;

use crate::client::{Client, DaemonArgs};
use crate::failure::Failure;
use crate::{output, run};
use find::PATH;

pub(crate) use list::{is_kafka, short_source};

const EXAMPLES: &str = "\
The daemon is `lambda-esm run` with `api: {}` in its configuration. UUIDs may be cut short as long as one \
mapping is meant. Settings are spelled as in the Lambda API, in YAML or JSON.

Examples:
  lambda-esm mappings list
  lambda-esm mappings create --source arn:aws:sqs:us-east-1:000000000000:orders --function orders
  lambda-esm mappings update 91eaeb7e --set BatchSize=5 --set 'ScalingConfig={\"MaximumConcurrency\": 2}'
  lambda-esm mappings events 91eaeb7e --follow

Exit codes: 0 done, 1 failure or refused by the daemon, 64 wrong usage.";

/// Arguments of `mappings`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    daemon: DaemonArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Show all mappings: state, source, function, last result and problem.
    List(list::Args),
    /// Show one mapping as JSON.
    Get {
        /// The mapping.
        uuid: String,
    },
    /// Create a mapping.
    Create(input::CreateArgs),
    /// Change settings of a mapping; those not named stay.
    Update(input::UpdateArgs),
    /// Delete a mapping; what is in flight is finished.
    Delete {
        /// The mapping.
        uuid: String,
    },
    /// Show what a mapping decided, and why.
    Events(events::Args),
}

/// Does what was asked for.
pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let client = Client::new(&args.daemon)?;
    run::runtime(None)?.block_on(work(&client, args.verb))
}

async fn work(client: &Client, verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::List(args) => list::run(client, &args).await,
        Verb::Get { uuid } => {
            let path = find::path(client, &uuid).await?;
            pretty(&client.get(&path).await?)
        }
        Verb::Create(args) => {
            let body = args.body()?;
            pretty(&client.ask(Method::POST, PATH, Some(&body)).await?)
        }
        Verb::Update(args) => {
            let body = args.body()?;
            let path = find::path(client, &args.uuid).await?;
            pretty(&client.ask(Method::PUT, &path, Some(&body)).await?)
        }
        Verb::Delete { uuid } => {
            let path = find::path(client, &uuid).await?;
            pretty(&client.ask(Method::DELETE, &path, None).await?)
        }
        Verb::Events(args) => events::run(client, &args).await,
    }
}

fn pretty(value: &Value) -> Result<(), Failure> {
    output::line(&format!("{value:#}"))
}
