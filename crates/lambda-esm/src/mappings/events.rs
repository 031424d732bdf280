//! `mappings events`: the decision log of one mapping.

use lambda_esm_core::text::plain;
use serde_json::Value;

use super::find;
use crate::client::{Client, Told};
use crate::failure::Failure;
use crate::output;

/// Arguments of `events`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The mapping.
    uuid: String,
    /// How many of the last decisions to show; the daemon remembers 1000 of each mapping.
    #[arg(long, value_name = "N", default_value_t = 20)]
    last: usize,
    /// Go on with the decisions to come, until Ctrl-C or until the mapping is gone.
    #[arg(short, long)]
    follow: bool,
    /// Print one JSON object per decision.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(client: &Client, args: &Args) -> Result<(), Failure> {
    let uuid = find::uuid(client, &args.uuid).await?;
    let path = format!("/mappings/{uuid}/events?last={}", args.last);
    if args.follow {
        return follow(client, &path, args.json).await;
    }
    let mut page = client.get(&path).await?;
    if let Value::Array(events) = page["events"].take() {
        for event in events {
            show(&event, args.json)?;
        }
    }
    Ok(())
}

async fn follow(client: &Client, path: &str, json: bool) -> Result<(), Failure> {
    let mut stream = client.stream(path).await?;
    while let Some(sent) = stream.next().await? {
        match sent.name.as_str() {
            "decision" => show(&sent.data, json)?,
            _ if json => output::json(&sent.data)?,
            "gap" => output::line(&format!(
                "({} decisions are not shown)",
                sent.data["missed"]
            ))?,
            _ => {
                let because = sent.data["because"].as_str().unwrap_or("the stream ended");
                output::line(&format!("(end: {because})"))?;
            }
        }
    }
    Ok(())
}

fn show(event: &Value, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(event);
    }
    let told = Told::one(event)?;
    output::line(&format!("{}  {}", told.time(true), plain(&told.text)))
}
