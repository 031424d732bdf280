//! What each mechanism becomes.

use std::sync::Arc;

use lambda_esm_core::fault::ReasonCode;
use lambda_esm_core::mapping::AccessKind;
use lambda_esm_engine::memory::MemorySecrets;
use lambda_esm_kafka::{
    AuthError, AuthErrorKind, Authenticator, ClientSettings, ConnectionProblem,
};
use serde_json::json;

use crate::mappings::{arn, self_managed};
use crate::pki::{PASSWORD, pem};

pub(crate) fn secrets() -> Arc<MemorySecrets> {
    let secrets = MemorySecrets::default();
    let user = json!({"username": "u", "password": "p"}).to_string();
    let client = json!({"certificate": pem("client.pem"), "privateKey": pem("client.key")});
    let encrypted = json!({
        "certificate": pem("client.pem"),
        "privateKey": pem("client-pbes1.key"),
        "privateKeyPassword": PASSWORD,
    });
    secrets.put(&arn("user"), &user).unwrap();
    secrets.put(&arn("client"), &client.to_string()).unwrap();
    secrets
        .put(&arn("encrypted"), &encrypted.to_string())
        .unwrap();
    let ca = json!({"certificate": pem("ca.pem")}).to_string();
    secrets.put(&arn("ca"), &ca).unwrap();
    Arc::new(secrets)
}

fn properties(settings: &ClientSettings) -> Vec<(&'static str, &str)> {
    let properties = settings.properties().iter().skip(1);
    properties
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

async fn authenticated(
    authenticator: &Authenticator,
    entries: &[(AccessKind, &str)],
) -> Result<ClientSettings, AuthError> {
    authenticator.authenticate(&self_managed(entries)).await
}

#[tokio::test]
async fn each_mechanism_becomes_the_properties_of_librdkafka() {
    let (ca_pem, client_pem, client_key) = (pem("ca.pem"), pem("client.pem"), pem("client.key"));
    let pbes1 = pem("client-pbes1.key");
    let (user, client, ca) = (&*arn("user"), &*arn("client"), &*arn("ca"));
    let encrypted = &*arn("encrypted");
    let sasl = |protocol, mechanism| {
        vec![
            ("security.protocol", protocol),
            ("sasl.mechanism", mechanism),
            ("sasl.username", "u"),
            ("sasl.password", "p"),
        ]
    };
    let mut with_ca = sasl("SASL_SSL", "SCRAM-SHA-512");
    with_ca.insert(1, ("ssl.ca.pem", &ca_pem));
    let table: [(&[(AccessKind, &str)], _); 9] = [
        (&[], vec![("security.protocol", "PLAINTEXT")]),
        (
            &[
                (AccessKind::VpcSubnet, "subnet:subnet-1"),
                (AccessKind::VpcSecurityGroup, "security_group:sg-1"),
            ],
            vec![("security.protocol", "PLAINTEXT")],
        ),
        (
            &[(AccessKind::ServerRootCaCertificate, ca)],
            vec![("security.protocol", "SSL"), ("ssl.ca.pem", &ca_pem)],
        ),
        (&[(AccessKind::BasicAuth, user)], sasl("SASL_SSL", "PLAIN")),
        (
            &[(AccessKind::SaslScram256Auth, user)],
            sasl("SASL_SSL", "SCRAM-SHA-256"),
        ),
        (
            &[(AccessKind::SaslScram512Auth, user)],
            sasl("SASL_SSL", "SCRAM-SHA-512"),
        ),
        (
            &[
                (AccessKind::ServerRootCaCertificate, ca),
                (AccessKind::SaslScram512Auth, user),
            ],
            with_ca,
        ),
        (
            &[(AccessKind::ClientCertificateTlsAuth, client)],
            vec![
                ("security.protocol", "SSL"),
                ("ssl.certificate.pem", &client_pem),
                ("ssl.key.pem", &client_key),
            ],
        ),
        (
            &[(AccessKind::ClientCertificateTlsAuth, encrypted)],
            vec![
                ("security.protocol", "SSL"),
                ("ssl.certificate.pem", &client_pem),
                ("ssl.key.pem", &pbes1),
                ("ssl.key.password", PASSWORD),
            ],
        ),
    ];
    let authenticator = Authenticator::new(secrets());
    for (entries, expected) in table {
        let settings = authenticated(&authenticator, entries).await.unwrap();
        let servers = "broker.example.com:9096,127.0.0.1:9097";
        assert_eq!(settings.bootstrap_servers(), servers);
        assert_eq!(properties(&settings), expected, "{entries:?}");
        assert!(settings.tokens().is_none());
    }
}

#[tokio::test]
async fn librdkafka_takes_the_properties_of_every_mechanism() {
    let secrets = secrets();
    let authenticator = Authenticator::new(secrets);
    let (user, client, ca) = (&*arn("user"), &*arn("client"), &*arn("ca"));
    let encrypted = &*arn("encrypted");
    let table: [&[(AccessKind, &str)]; 5] = [
        &[],
        &[
            (AccessKind::ServerRootCaCertificate, ca),
            (AccessKind::BasicAuth, user),
        ],
        &[(AccessKind::SaslScram256Auth, user)],
        &[(AccessKind::ClientCertificateTlsAuth, client)],
        &[(AccessKind::ClientCertificateTlsAuth, encrypted)],
    ];
    for entries in table {
        let settings = authenticated(&authenticator, entries).await.unwrap();
        let mut config = rdkafka::ClientConfig::new();
        config
            .set("group.id", "g")
            .set("bootstrap.servers", "127.0.0.1:1");
        for (name, value) in &settings.properties()[1..] {
            config.set(*name, value);
        }
        let client = config.create::<rdkafka::consumer::BaseConsumer>();
        assert!(client.is_ok(), "{entries:?}: {:?}", client.err());
    }
}

#[tokio::test]
async fn sasl_goes_without_tls_only_where_that_is_allowed_and_no_authority_is_named() {
    let (user, ca) = (&*arn("user"), &*arn("ca"));
    let authenticator = Authenticator::new(secrets()).with_allow_sasl_plaintext(true);
    let entries = [(AccessKind::BasicAuth, user)];
    let alone = authenticated(&authenticator, &entries).await.unwrap();
    assert_eq!(alone.property("security.protocol"), Some("SASL_PLAINTEXT"));
    let entries = [
        (AccessKind::BasicAuth, user),
        (AccessKind::ServerRootCaCertificate, ca),
    ];
    let with_ca = authenticated(&authenticator, &entries).await.unwrap();
    assert_eq!(with_ca.property("security.protocol"), Some("SASL_SSL"));
}

#[tokio::test]
async fn two_mechanisms_or_a_missing_uri_are_refused() {
    let user = &*arn("user");
    let authenticator = Authenticator::new(secrets());
    let both = [
        (AccessKind::BasicAuth, user),
        (AccessKind::SaslScram512Auth, user),
    ];
    let table: [(&[(AccessKind, &str)], &str); 3] = [
        (
            &both,
            "SourceAccessConfigurations names BASIC_AUTH and SASL_SCRAM_512_AUTH; name one way to authenticate",
        ),
        (
            &[(AccessKind::BasicAuth, "")],
            "SourceAccessConfigurations has no URI for BASIC_AUTH; add it",
        ),
        (
            &[(AccessKind::IamOauthbearerAuth, "")],
            "SourceAccessConfigurations has no URI for OAUTHBEARER_AUDIENCE; add it",
        ),
    ];
    for (entries, text) in table {
        let error = authenticated(&authenticator, entries).await.unwrap_err();
        assert_eq!(error.message, text);
        assert_eq!(error.kind, AuthErrorKind::Configuration);
        assert_eq!(error.reason_code(), Some(ReasonCode::ConfigNotValid));
    }
}

#[tokio::test]
async fn a_rotated_secret_is_picked_up() {
    let secrets = secrets();
    let authenticator = Authenticator::new(Arc::clone(&secrets) as _);
    let kafka = self_managed(&[(AccessKind::SaslScram512Auth, &arn("user"))]);
    let first = authenticator.authenticate(&kafka).await.unwrap();
    let same = authenticator.authenticate(&kafka).await.unwrap();
    assert_eq!(first, same);
    let rotated = json!({"username": "u", "password": "p2"}).to_string();
    secrets.put(&arn("user"), &rotated).unwrap();
    let second = authenticator.authenticate(&kafka).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(second.property("sasl.password"), Some("p2"));
    secrets.remove(&arn("user"));
    let gone = authenticator.authenticate(&kafka).await.unwrap_err();
    assert_eq!(gone.kind, AuthErrorKind::Credentials);
}

#[test]
fn problems_have_the_documented_texts() {
    let table = [
        (
            ConnectionProblem::NotAuthorized,
            "Cluster failed to authorize Lambda",
            "EVENT_SOURCE_AUTHZ_ERROR",
        ),
        (
            ConnectionProblem::SaslFailed,
            "SASL authentication failed",
            "EVENT_SOURCE_AUTHN_ERROR",
        ),
        (
            ConnectionProblem::ServerRefusedClient,
            "Server failed to authenticate Lambda",
            "EVENT_SOURCE_AUTHN_ERROR",
        ),
        (
            ConnectionProblem::ClientRefusedServer,
            "Lambda failed to authenticate server",
            "EVENT_SOURCE_AUTHN_ERROR",
        ),
        (
            ConnectionProblem::InvalidCertificate,
            "Provided certificate or private key is invalid",
            "ESM_CONFIG_NOT_VALID",
        ),
    ];
    for (problem, text, code) in table {
        assert_eq!(
            (problem.text(), problem.reason_code().as_str()),
            (text, code)
        );
    }
}
