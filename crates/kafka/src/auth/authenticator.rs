//! From a mapping to the settings of its clients.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use lambda_esm_core::mapping::{Arn, KafkaCluster, KafkaMapping};
use lambda_esm_core::setters;
use lambda_esm_engine::Clock;
use lambda_esm_engine::aws_identity::AwsIdentity;
use lambda_esm_engine::secrets::SecretResolver;

use super::access::{KafkaAccess, Mechanism, OauthAccess};
use super::address::{ClusterAddress, ListenerKind};
use super::certificates::{ClientCertificate, root_ca};
use super::error::AuthError;
use super::grant::{Grant, IamGrant, WebIdentityGrant};
use super::listener::{Listener, choose_listener, stand_in_listener};
use super::oauth::OauthGrant;
use super::secret::password;
use super::settings::{ClientSettings, GrantIdentity};
use super::token::TokenSource;
use super::tokens::RenewedTokens;

/// Finds out how a mapping's clients connect: where, by which protocol, and with which secrets.
#[derive(Clone)]
#[non_exhaustive]
pub struct Authenticator {
    pub(super) secrets: Arc<dyn SecretResolver>,
    /// Who asks AWS for tokens and addresses; `None` where nobody can.
    pub aws: Option<Arc<dyn AwsIdentity>>,
    /// The clusters of Amazon MSK whose brokers really are elsewhere, by ARN.
    pub clusters: BTreeMap<String, ClusterAddress>,
    /// Whether SASL goes without TLS where a mapping names no `SERVER_ROOT_CA_CERTIFICATE`, and whether token endpoints
    /// may be HTTP: for brokers on this machine. Lambda knows no such thing.
    pub allow_sasl_plaintext: bool,
    /// What tells when tokens expire.
    pub clock: Clock,
}

setters!(Authenticator {
    with_aws sets aws: Option<Arc<dyn AwsIdentity>>,
    with_clusters sets clusters: BTreeMap<String, ClusterAddress>,
    with_allow_sasl_plaintext sets allow_sasl_plaintext: bool,
    with_clock sets clock: Clock,
});

impl Authenticator {
    /// Returns one that finds secrets in `secrets`.
    #[must_use]
    pub fn new(secrets: Arc<dyn SecretResolver>) -> Self {
        Self {
            secrets,
            aws: None,
            clusters: BTreeMap::new(),
            allow_sasl_plaintext: false,
            clock: Clock::system(),
        }
    }

    /// Returns the settings of a mapping's clients, as its secrets are now; where it authenticates with tokens, the
    /// first one has been given, and a task of the current runtime renews it.
    ///
    /// To be asked again when a client was refused: if the settings are others than before, a secret was rotated.
    ///
    /// # Errors
    /// The [kind](AuthError::kind) says whether to ask again.
    pub async fn authenticate(&self, kafka: &KafkaMapping) -> Result<ClientSettings, AuthError> {
        let access = KafkaAccess::of(&kafka.access)?;
        let (listener, origin) = match &kafka.cluster {
            KafkaCluster::Msk { arn } => self.msk(arn, &access.mechanism).await?,
            KafkaCluster::SelfManaged { bootstrap_servers } => {
                self_managed(bootstrap_servers, &access)
            }
            _ => {
                return Err(AuthError::configuration(
                    "this kind of cluster is not known here",
                ));
            }
        };
        let mechanism = match access.mechanism {
            // Automatic where the listener has it.
            Mechanism::Unnamed if listener.kind == ListenerKind::Iam => Mechanism::Iam,
            mechanism => mechanism,
        };
        let protocol = self.protocol(listener.kind, access.root_ca.is_some());
        let mut settings = ClientSettings::new(&listener.servers, protocol);
        if let Some(arn) = &access.root_ca {
            let text = self.secrets.secret(arn).await?;
            settings.set("ssl.ca.pem", root_ca(arn, &text)?);
        }
        match mechanism {
            Mechanism::Unnamed => {}
            Mechanism::Password(mechanism, arn) => {
                let text = self.secrets.secret(&arn).await?;
                let (user, password) = password(&arn, &text)?;
                settings.set("sasl.mechanism", mechanism.name());
                settings.set("sasl.username", user);
                settings.set("sasl.password", password);
            }
            Mechanism::Certificate(arn) => {
                let text = self.secrets.secret(&arn).await?;
                let client = ClientCertificate::read(&arn, &text)?;
                settings.set("ssl.certificate.pem", client.chain);
                settings.set("ssl.key.pem", client.key);
                if let Some(password) = client.key_password {
                    settings.set("ssl.key.password", password);
                }
            }
            Mechanism::Oauth(oauth) => self.oauth(&mut settings, oauth).await?,
            Mechanism::Iam => {
                let (region, is_stand_in) = origin;
                let grant = IamGrant {
                    aws: self.aws("IAM authentication")?,
                    region: region.clone(),
                    is_stand_in,
                };
                let region = region.unwrap_or_default();
                self.begin(&mut settings, grant, format!("AWS_MSK_IAM {region}"))
                    .await?;
            }
            Mechanism::WebIdentity(audience) => {
                let public = format!("IAM_OAUTHBEARER {audience}");
                let grant = WebIdentityGrant {
                    aws: self.aws("IAM_OAUTHBEARER_AUTH")?,
                    audience,
                };
                self.begin(&mut settings, grant, public).await?;
            }
        }
        Ok(settings)
    }

    /// Returns tokens by the secret of `OAUTHBEARER_AUTH` with this ARN, as a schema registry asks for.
    ///
    /// # Errors
    /// As [`authenticate`](Self::authenticate).
    pub async fn tokens(&self, secret: &str) -> Result<Arc<dyn TokenSource>, AuthError> {
        let grant = self.oauth_grant(OauthAccess {
            secret: secret.to_owned(),
            ..OauthAccess::default()
        });
        let first = grant.token().await?;
        Ok(Arc::new(RenewedTokens::begin(
            first,
            Arc::new(grant),
            self.clock,
        )))
    }

    async fn msk(
        &self,
        arn: &Arn,
        mechanism: &Mechanism,
    ) -> Result<(Listener, (Option<String>, bool)), AuthError> {
        let region = Some(arn.region().to_owned());
        if let Some(address) = self.clusters.get(arn.as_str()) {
            let listener = stand_in_listener(arn, address, mechanism)?;
            return Ok((listener, (region, true)));
        }
        let aws = self.aws("an Amazon MSK cluster")?;
        let brokers = aws.bootstrap_brokers(arn).await?;
        let listener = choose_listener(arn, &brokers, mechanism)?;
        Ok((listener, (region, false)))
    }

    fn protocol(&self, listener: ListenerKind, has_root_ca: bool) -> &'static str {
        match listener {
            ListenerKind::Plaintext => "PLAINTEXT",
            ListenerKind::Tls => "SSL",
            _ if self.allow_sasl_plaintext && !has_root_ca => "SASL_PLAINTEXT",
            _ => "SASL_SSL",
        }
    }

    fn oauth_grant(&self, access: OauthAccess) -> OauthGrant {
        OauthGrant {
            secrets: Arc::clone(&self.secrets),
            access,
            allow_plaintext: self.allow_sasl_plaintext,
            clock: self.clock,
        }
    }

    async fn oauth(
        &self,
        settings: &mut ClientSettings,
        access: OauthAccess,
    ) -> Result<(), AuthError> {
        let text = self.secrets.secret(&access.secret).await?;
        let public = format!("{access:?}");
        let grant = self.oauth_grant(access);
        let first = grant.token_by(&text).await?;
        let tokens = RenewedTokens::begin(first, Arc::new(grant), self.clock);
        settings.set("sasl.mechanism", "OAUTHBEARER");
        settings.tokens = Some(Arc::new(tokens));
        let secret = Some(text);
        settings.grant = Some(GrantIdentity { public, secret });
        Ok(())
    }

    /// Has the first token given, and the next ones renewed.
    async fn begin(
        &self,
        settings: &mut ClientSettings,
        grant: impl Grant,
        public: String,
    ) -> Result<(), AuthError> {
        let first = grant.token().await?;
        let tokens = RenewedTokens::begin(first, Arc::new(grant), self.clock);
        settings.set("sasl.mechanism", "OAUTHBEARER");
        settings.tokens = Some(Arc::new(tokens));
        let secret = None;
        settings.grant = Some(GrantIdentity { public, secret });
        Ok(())
    }

    fn aws(&self, what: &str) -> Result<Arc<dyn AwsIdentity>, AuthError> {
        self.aws.clone().ok_or_else(|| {
            AuthError::configuration(format!(
                "{what} needs an AWS client, and this process has none; name the brokers in endpoints.arns, or build it \
                 with one"
            ))
        })
    }
}

/// Returns the listener of self-managed servers, and what an AWS identity must know of them: SASL needs TLS, and
/// certificates mean it (Lambda developer guide, "Configuring cluster authentication methods for self-managed Apache
/// Kafka").
fn self_managed(servers: &[String], access: &KafkaAccess) -> (Listener, (Option<String>, bool)) {
    let kind = match access.mechanism {
        Mechanism::Unnamed if access.root_ca.is_none() => ListenerKind::Plaintext,
        Mechanism::Unnamed | Mechanism::Certificate(_) => ListenerKind::Tls,
        Mechanism::Iam => ListenerKind::Iam,
        _ => ListenerKind::SaslSsl,
    };
    let region = servers.iter().find_map(|server| region_of(server));
    let is_stand_in = servers.iter().all(|server| is_loopback(server));
    let servers = servers.join(",");
    (Listener { kind, servers }, (region, is_stand_in))
}

fn is_loopback(server: &str) -> bool {
    let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Returns the region of an Amazon MSK broker by its name, such as
/// `b-1.orders.a1b2c3.c2.kafka.eu-west-1.amazonaws.com:9098`.
fn region_of(server: &str) -> Option<String> {
    let (host, _) = server.rsplit_once(':')?;
    let (_, place) = host
        .rsplit_once(".kafka.")
        .or_else(|| host.rsplit_once(".kafka-serverless."))?;
    let (region, domain) = place.split_once('.')?;
    domain
        .starts_with("amazonaws.com")
        .then(|| region.to_owned())
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("clusters", &self.clusters)
            .field("allow_sasl_plaintext", &self.allow_sasl_plaintext)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_of_an_msk_broker_is_in_its_name() {
        let found = |server| region_of(server);
        let broker = "b-1.orders.a1b2c3.c2.kafka.eu-west-1.amazonaws.com:9098";
        assert_eq!(found(broker).as_deref(), Some("eu-west-1"));
        let serverless = "boot-a1b2.c1.kafka-serverless.us-east-1.amazonaws.com:9098";
        assert_eq!(found(serverless).as_deref(), Some("us-east-1"));
        let china = "b-1.o.a.c2.kafka.cn-north-1.amazonaws.com.cn:9098";
        assert_eq!(found(china).as_deref(), Some("cn-north-1"));
        assert_eq!(found("kafka.example.com:9092"), None);
        assert_eq!(found("127.0.0.1:9092"), None);
    }
}
