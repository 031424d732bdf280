//! Where the brokers of Amazon MQ and the clusters of DocumentDB really are: their ARNs among `endpoints.arns`.

use std::collections::BTreeSet;
use std::path::Path;

use lambda_esm_core::mapping::{Arn, Source, SourceKind};

use super::clients::Client;
use super::fields::Field;
#[cfg(feature = "brokers")]
use super::login::Login;
use super::mappings::MappingSettings;
use super::problem::Problems;
use super::yaml::{Member, Value};

/// Those of the configuration.
#[derive(Default)]
pub(crate) struct Brokers {
    /// Brokers of RabbitMQ.
    #[cfg(feature = "rabbitmq")]
    pub(crate) rabbitmq: Vec<Broker<lambda_esm_rabbitmq::BrokerAddress>>,
    /// Brokers of ActiveMQ.
    #[cfg(feature = "activemq")]
    pub(crate) activemq: Vec<Broker<lambda_esm_activemq::BrokerAddress>>,
    /// Clusters of DocumentDB, or of MongoDB in their place.
    #[cfg(feature = "documentdb")]
    pub(crate) documentdb: Vec<Broker<lambda_esm_documentdb::ClusterAddress>>,
    known: BTreeSet<Arn>,
}

/// Where a broker or a cluster is, and who one is there.
#[cfg(feature = "brokers")]
#[derive(Clone)]
pub(crate) struct Broker<A> {
    pub(crate) arn: Arn,
    pub(crate) address: A,
    /// Who the address names, in the place of whom the mapping's secret does.
    pub(crate) login: Option<Login>,
}

/// What answers at an address.
#[derive(Clone, Copy)]
enum Server {
    RabbitMq,
    ActiveMq,
    DocumentDb,
}

impl Server {
    const fn kind(self) -> SourceKind {
        match self {
            Self::RabbitMq | Self::ActiveMq => SourceKind::AmazonMq,
            Self::DocumentDb => SourceKind::DocumentDb,
        }
    }

    const fn client(self) -> Client {
        match self {
            Self::RabbitMq => Client::RABBITMQ,
            Self::ActiveMq => Client::ACTIVEMQ,
            Self::DocumentDb => Client::DOCUMENTDB,
        }
    }
}

/// How an address begins of each of them.
const SCHEMES: [(&str, Server); 5] = [
    ("amqp://", Server::RabbitMq),
    ("amqps://", Server::RabbitMq),
    ("activemq://", Server::ActiveMq),
    ("amqp+ssl://", Server::ActiveMq),
    ("mongodb://", Server::DocumentDb),
];

/// Tells whether an ARN names a broker or a cluster that is reached by an address of its own.
#[cfg(feature = "aws")]
pub(super) fn is_one(arn: &Arn) -> bool {
    kind(arn).is_some()
}

fn kind(arn: &Arn) -> Option<SourceKind> {
    SourceKind::of(arn).filter(|kind| matches!(kind, SourceKind::AmazonMq | SourceKind::DocumentDb))
}

/// Reads the brokers and clusters among `endpoints.arns`: an address, or a map of `url` and `root_ca`, a file in `folder`.
/// Whether `arns` is a map is said by those who read the others.
pub(super) fn read(
    endpoints: Option<&Field<'_>>,
    folder: &Path,
    problems: &mut Problems,
) -> Brokers {
    let mut brokers = Brokers::default();
    let arns = endpoints.and_then(|field| field.member("arns"));
    let Some(arns) = arns.filter(|arns| matches!(arns.node.value, Value::Map(_))) else {
        return brokers;
    };
    for (member, entry) in arns.entries(problems).unwrap_or_default() {
        let arn = Arn::parse(&member.key);
        if let Some(arn) = arn
            && let Some(kind) = kind(&arn)
        {
            brokers.add((arn, kind), member, &entry, folder, problems);
        }
    }
    brokers
}

impl Brokers {
    fn add(
        &mut self,
        (arn, kind): (Arn, SourceKind),
        member: &Member,
        entry: &Field<'_>,
        folder: &Path,
        problems: &mut Problems,
    ) {
        let (url, root_ca) = match &entry.node.value {
            Value::Map(_) => {
                let Some(mut section) = entry.section(problems) else {
                    return;
                };
                let url = section.require("url", "amqps://127.0.0.1:5671", problems);
                let root_ca = section.take("root_ca");
                section.finish(problems);
                let Some(url) = url else {
                    return;
                };
                (url, root_ca)
            }
            _ => (entry.clone(), None),
        };
        let Some(text) = url.secret_text(problems) else {
            return;
        };
        let fitting = SCHEMES
            .into_iter()
            .filter(|(_, server)| server.kind() == kind);
        let mut found = fitting.clone();
        let Some((_, server)) = found.find(|(scheme, _)| text.starts_with(scheme)) else {
            let schemes: Vec<&str> = fitting.map(|(scheme, _)| scheme).collect();
            let rule = format!("must begin with {}", schemes.join(" or "));
            problems.add(url.node.location, &url.path, rule);
            if kind == SourceKind::AmazonMq {
                problems.hint(
                    "amqp:// and amqps:// are RabbitMQ; activemq:// and amqp+ssl:// are ActiveMQ, where it speaks AMQP 1.0",
                );
            }
            return;
        };
        if let Some((rule, hint)) = server.client().missing() {
            problems.add(member.location, &entry.path, rule);
            problems.hint(hint);
            return;
        }
        let Ok(root_ca) = certificates(root_ca.as_ref(), folder, problems) else {
            return;
        };
        if let Err(rule) = self.add_address(arn, server, text, root_ca) {
            problems.add(url.node.location, &url.path, rule);
        }
    }

    fn add_address(
        &mut self,
        arn: Arn,
        server: Server,
        url: &str,
        root_ca: Option<String>,
    ) -> Result<(), String> {
        self.known.insert(arn.clone());
        #[cfg(feature = "brokers")]
        let (url, login) = Login::split(url)?;
        #[cfg(not(feature = "brokers"))]
        let login = ();
        match (server, root_ca) {
            #[cfg(feature = "rabbitmq")]
            (Server::RabbitMq, root_ca) => {
                let mut address: lambda_esm_rabbitmq::BrokerAddress = parse(&url)?;
                if let Some(pem) = root_ca {
                    address = address
                        .with_root_ca(pem)
                        .map_err(|error| error.to_string())?;
                }
                self.rabbitmq.push(Broker {
                    arn,
                    address,
                    login,
                });
            }
            #[cfg(feature = "activemq")]
            (Server::ActiveMq, root_ca) => {
                let url = url.replace("activemq://", "amqp://");
                let mut address: lambda_esm_activemq::BrokerAddress = parse(&url)?;
                if let Some(pem) = root_ca {
                    address = address.with_root_ca(pem);
                }
                self.activemq.push(Broker {
                    arn,
                    address,
                    login,
                });
            }
            #[cfg(feature = "documentdb")]
            (Server::DocumentDb, root_ca) => {
                let mut address: lambda_esm_documentdb::ClusterAddress = parse(&url)?;
                if let Some(pem) = root_ca {
                    address = address.with_root_ca(pem);
                }
                self.documentdb.push(Broker {
                    arn,
                    address,
                    login,
                });
            }
            // Refused before, since its client is missing.
            #[cfg(not(all(feature = "rabbitmq", feature = "activemq", feature = "documentdb")))]
            _ => drop((arn, url, login)),
        }
        Ok(())
    }

    /// Refuses mappings of brokers and clusters of which nobody says where they are.
    pub(super) fn check(&self, mappings: &[MappingSettings], problems: &mut Problems) {
        for (index, settings) in mappings.iter().enumerate() {
            let (arn, example) = match &settings.mapping.source {
                Source::Mq(mq) => (&mq.broker_arn, "amqp://127.0.0.1:5672"),
                Source::DocumentDb(documentdb) => {
                    (&documentdb.cluster_arn, "mongodb://127.0.0.1:27017")
                }
                _ => continue,
            };
            if !self.known.contains(arn) {
                let field = format!("mappings[{index}].EventSourceArn");
                let rule = format!("where {} is, is not known", arn.as_str());
                problems.add(settings.location, &field, rule);
                problems.hint(format!(
                    "add it to endpoints.arns, for example `{}: {example}`",
                    arn.as_str()
                ));
            }
        }
    }
}

#[cfg(feature = "brokers")]
fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Reads a file of certificate authorities.
fn certificates(
    field: Option<&Field<'_>>,
    folder: &Path,
    problems: &mut Problems,
) -> Result<Option<String>, ()> {
    let Some(field) = field else {
        return Ok(None);
    };
    let path = folder.join(field.text(problems).ok_or(())?);
    match std::fs::read_to_string(&path) {
        Ok(pem) => Ok(Some(pem)),
        Err(error) => {
            let rule = format!("{} cannot be read: {error}", path.display());
            problems.refuse(field.node, &field.path, rule);
            problems.hint("name a file of certificate authorities in PEM, relative to this file");
            Err(())
        }
    }
}
