//! One attempt of a client to reach a cluster, and all that librdkafka says about it.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

/// How long a client tries before it is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// When a client that was told no more than that all brokers are away will not be told more.
const REASONS: Duration = Duration::from_secs(15);

/// What a client was told: an error's code and its text.
pub(crate) type Told = (RDKafkaErrorCode, String);

/// A token, and when it ends in milliseconds since the Unix epoch.
#[derive(Clone, Debug)]
pub(crate) struct Token(pub(crate) String, pub(crate) i64);

#[derive(Default)]
pub(crate) struct Listening {
    told: Arc<Mutex<Vec<Told>>>,
    token: Option<Token>,
}

impl ClientContext for Listening {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code().unwrap();
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((code, reason.to_owned()));
    }

    fn log(&self, _: RDKafkaLogLevel, _: &str, text: &str) {
        println!("{text}");
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let Token(token, lifetime_ms) = self.token.clone().unwrap();
        Ok(OAuthToken {
            token,
            principal_name: "somebody".to_owned(),
            lifetime_ms,
        })
    }
}

impl ConsumerContext for Listening {}

/// Makes a client by `config` that logs in with `token`, and asks for the cluster's brokers until it gets them or is told
/// why not: the first reason that is more than that all brokers are away, if there is any.
pub(crate) async fn reach(config: &ClientConfig, token: Option<Token>) -> Result<(), Told> {
    let config = config.clone();
    spawn_blocking(move || {
        let told = Arc::new(Mutex::new(Vec::new()));
        let context = Listening {
            told: told.clone(),
            token,
        };
        let consumer: BaseConsumer<Listening> = config.create_with_context(context).unwrap();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if consumer
                .fetch_metadata(None, Duration::from_millis(500))
                .is_ok()
            {
                return Ok(());
            }
            // Reasons come through the callback alone, and one call of `poll` may serve one event and no more.
            let pause = Instant::now() + Duration::from_millis(100);
            while Instant::now() < pause {
                drop(consumer.poll(Duration::from_millis(10)));
            }
            let told = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let is_reason = |told: &&Told| told.0 != RDKafkaErrorCode::AllBrokersDown;
            if let Some(reason) = told.iter().find(is_reason) {
                return Err(reason.clone());
            }
            if let Some(told) = told.first().filter(|_| begun.elapsed() > REASONS) {
                return Err(told.clone());
            }
        }
        let told = told.lock().unwrap_or_else(PoisonError::into_inner);
        panic!("neither in nor told why not within {PATIENCE:?}: {told:?}")
    })
    .await
    .unwrap()
}

/// Reads by a consumer group until the first record or error. Returns the record's value.
pub(crate) async fn read_one(
    config: &ClientConfig,
    group: &str,
    topic: &str,
) -> Result<Vec<u8>, RDKafkaErrorCode> {
    use rdkafka::Message as _;

    let mut config = config.clone();
    config
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest");
    let topic = topic.to_owned();
    spawn_blocking(move || {
        let consumer: BaseConsumer<Listening> =
            config.create_with_context(Listening::default()).unwrap();
        consumer.subscribe(&[&topic]).unwrap();
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            match consumer.poll(Duration::from_secs(1)) {
                Some(Ok(record)) => return Ok(record.payload().unwrap_or_default().to_vec()),
                Some(Err(error)) => {
                    println!("{topic}: {error}");
                    return Err(error.rdkafka_error_code().unwrap());
                }
                None => {}
            }
        }
        panic!("nothing within {PATIENCE:?}")
    })
    .await
    .unwrap()
}
