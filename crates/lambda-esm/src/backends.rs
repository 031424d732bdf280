//! Makes what the configuration describes: functions, and ways to sources.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_engine::functions::Functions;
use lambda_esm_engine::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest};
#[cfg(feature = "brokers")]
use lambda_esm_engine::secrets::SecretResolver;
use lambda_esm_engine::simulated::Simulated;
use lambda_esm_engine::{Engine, EngineBuilder};
use lambda_esm_runtime::http::HttpBackend;
use lambda_esm_runtime::process::ProcessBackend;
use lambda_esm_store::RedbStore;

#[cfg(feature = "brokers")]
use crate::config::Login;
use crate::config::{Backend, Configuration, FunctionSettings};
use crate::failure::Failure;

/// The processes of all functions, to be ended in order.
pub(crate) struct Processes {
    open_files: Option<u64>,
    all: Vec<Arc<ProcessBackend>>,
}

impl Processes {
    /// Ends all processes: asks them first, and kills what is left after `grace`.
    pub(crate) async fn shutdown(&self, grace: Duration) {
        futures::future::join_all(self.all.iter().map(|backend| backend.shutdown(grace))).await;
    }
}

/// Functions by the same options have one backend: one that runs one invocation at a time runs one whatever
/// names it goes by.
#[cfg(feature = "lambda-api")]
type LambdaApis = Vec<(
    lambda_esm_aws::LambdaOptions,
    Arc<lambda_esm_aws::LambdaApi>,
)>;
#[cfg(not(feature = "lambda-api"))]
type LambdaApis = ();

/// Returns the engine that a configuration describes, without mappings, with what `around` puts around the backend of
/// each function, and `further` adds to the engine. Processes of functions may have `open_files` open; `None` is no limit.
pub(crate) fn engine_with(
    configuration: &Configuration,
    open_files: Option<u64>,
    around: impl Fn(Arc<dyn InvokeBackend>) -> Arc<dyn InvokeBackend>,
    further: impl FnOnce(EngineBuilder) -> EngineBuilder,
) -> Result<(Engine, Processes), Failure> {
    let mut functions = Functions::default();
    let mut processes = Processes {
        open_files,
        all: Vec::new(),
    };
    let mut lambda_apis = LambdaApis::default();
    for function in &configuration.functions {
        let backend = backend(configuration, function, &mut processes, &mut lambda_apis)?;
        functions.insert(&function.name, around(backend));
    }
    let mut builder = Engine::builder()
        .options(configuration.options.clone())
        .invoke(functions);
    if let Some(folder) = &configuration.state_dir {
        let store = RedbStore::open(folder).map_err(|error| Failure::general(error.to_string()))?;
        builder = builder.store(store);
    }
    let builder = further(with_clients(builder, configuration));
    Ok((builder.build(), processes))
}

/// Adds the sources and on-failure destinations that this build has clients for.
#[cfg(feature = "aws")]
fn with_clients(builder: EngineBuilder, configuration: &Configuration) -> EngineBuilder {
    let aws = configuration.aws();
    let mixed = crate::mixed_endpoints::MixedEndpoints::new(configuration);
    for settings in &configuration.mappings {
        mixed.warn(&settings.mapping);
    }
    let builder = builder.provider(mixed);
    #[cfg(feature = "sqs")]
    let builder = builder.provider(lambda_esm_aws::SqsProvider::new(aws.clone()));
    #[cfg(feature = "kinesis")]
    let builder = builder.provider(lambda_esm_aws::KinesisProvider::new(aws.clone()));
    #[cfg(feature = "dynamodb")]
    let builder = builder.provider(lambda_esm_aws::DynamoDbProvider::new(aws.clone()));
    #[cfg(feature = "kafka")]
    let builder = builder.provider(crate::kafka_topics::KafkaTopics::new(configuration));
    #[cfg(feature = "brokers")]
    let builder = with_brokers(builder, configuration);
    #[cfg(any(feature = "sqs", feature = "sns", feature = "s3"))]
    let builder = builder.destinations(lambda_esm_aws::AwsDestinations::new(aws.clone()));
    drop(aws);
    builder
}

/// Adds the brokers and clusters of `endpoints.arns`.
#[cfg(feature = "brokers")]
fn with_brokers(builder: EngineBuilder, configuration: &Configuration) -> EngineBuilder {
    let secrets = crate::secrets::secrets(configuration);
    let of = |login: Option<Login>| match login {
        Some(login) => Arc::new(login) as Arc<dyn SecretResolver>,
        None => secrets.clone(),
    };
    let brokers = &configuration.brokers;
    #[cfg(feature = "rabbitmq")]
    let builder = brokers
        .rabbitmq
        .iter()
        .cloned()
        .fold(builder, |builder, broker| {
            let known = [(broker.arn, broker.address)];
            builder.provider(lambda_esm_rabbitmq::RabbitMqBrokers::new(
                known,
                of(broker.login),
            ))
        });
    #[cfg(feature = "activemq")]
    let builder = brokers
        .activemq
        .iter()
        .cloned()
        .fold(builder, |builder, broker| {
            let known = [(broker.arn, broker.address)];
            builder.provider(lambda_esm_activemq::ActiveMqBrokers::new(
                known,
                of(broker.login),
            ))
        });
    #[cfg(feature = "documentdb")]
    let builder = brokers
        .documentdb
        .iter()
        .cloned()
        .fold(builder, |builder, cluster| {
            let known = [(cluster.arn, cluster.address)];
            builder.provider(lambda_esm_documentdb::DocumentDbClusters::new(
                known,
                of(cluster.login),
            ))
        });
    builder.provider(crate::unknown_brokers::UnknownBrokers)
}

#[cfg(not(feature = "aws"))]
fn with_clients(builder: EngineBuilder, _: &Configuration) -> EngineBuilder {
    builder
}

fn backend(
    configuration: &Configuration,
    function: &FunctionSettings,
    processes: &mut Processes,
    lambda_apis: &mut LambdaApis,
) -> Result<Arc<dyn InvokeBackend>, Failure> {
    #[cfg(not(feature = "lambda-api"))]
    let () = lambda_apis;
    let name = &function.name;
    let refused = |error: &dyn std::fmt::Display| {
        let file = configuration.file.display();
        Failure::general(format!("{file}: functions.{name}: {error}"))
    };
    match &function.backend {
        #[cfg(feature = "lambda-api")]
        Backend::LambdaApi(options) => {
            if let Some((_, backend)) = lambda_apis.iter().find(|(known, _)| known == options) {
                return Ok(backend.clone());
            }
            let aws = configuration.aws();
            let backend = lambda_esm_aws::LambdaApi::new(&aws, options.clone());
            let backend = Arc::new(backend.map_err(|error| refused(&error))?);
            lambda_apis.push((options.clone(), backend.clone()));
            Ok(backend)
        }
        Backend::Process(config) => {
            let config = config
                .as_ref()
                .clone()
                .with_open_files(processes.open_files);
            let backend = ProcessBackend::new(config);
            let backend = Arc::new(backend.map_err(|error| refused(&error))?);
            processes.all.push(backend.clone());
            Ok(Arc::new(Process(backend)))
        }
        Backend::Http(config) => {
            let backend = HttpBackend::new(config.as_ref().clone());
            Ok(Arc::new(backend.map_err(|error| refused(&error))?))
        }
        Backend::Simulated(behaviour) => Ok(Arc::new(Simulated::new(*behaviour))),
    }
}

/// A process backend that is shared with the one who ends it.
struct Process(Arc<ProcessBackend>);

#[async_trait]
impl InvokeBackend for Process {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        self.0.invoke(request).await
    }

    async fn describe(&self, function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        self.0.describe(function).await
    }
}
