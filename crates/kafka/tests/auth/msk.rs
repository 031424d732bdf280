//! Amazon MSK: its listeners, and tokens of the AWS identity.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::mapping::AccessKind;
use lambda_esm_engine::Clock;
use lambda_esm_engine::memory::MemorySecrets;
use lambda_esm_kafka::{AuthErrorKind, Authenticator, ClusterAddress, ConnectionProblem};

use crate::fake_aws::FakeAws;
use crate::mappings::{CLUSTER, arn, msk, self_managed, self_managed_at};
use crate::settings::secrets;

const PLAINTEXT: (&str, &str) = ("BootstrapBrokerString", "plain:9092");
const TLS: (&str, &str) = ("BootstrapBrokerStringTls", "tls:9094");
const SCRAM: (&str, &str) = ("BootstrapBrokerStringSaslScram", "scram:9096");
const IAM: (&str, &str) = ("BootstrapBrokerStringSaslIam", "iam:9098");
const PUBLIC_IAM: (&str, &str) = ("BootstrapBrokerStringPublicSaslIam", "public:9198");
const IPV6: (&str, &str) = ("BootstrapBrokerStringTlsIpv6", "six:9094");

fn with_aws(brokers: &[(&str, &str)]) -> (Authenticator, Arc<FakeAws>) {
    let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
    let aws = Arc::new(FakeAws::new(clock, brokers));
    let authenticator = Authenticator::new(secrets())
        .with_clock(clock)
        .with_aws(Some(Arc::clone(&aws) as _));
    (authenticator, aws)
}

#[tokio::test]
async fn the_listener_follows_from_the_secret_and_no_weaker_one_takes_its_place() {
    let (client, user) = (&*arn("client"), &*arn("user"));
    let certificate = Some((AccessKind::ClientCertificateTlsAuth, client));
    let scram = Some((AccessKind::SaslScram512Auth, user));
    let all = [PLAINTEXT, TLS, SCRAM, IAM];
    let cases: [(_, &[(&str, &str)], _); 9] = [
        (certificate, &all, Some(("tls:9094", "SSL", None))),
        (certificate, &[PLAINTEXT, SCRAM, IAM], None),
        (
            scram,
            &all,
            Some(("scram:9096", "SASL_SSL", Some("SCRAM-SHA-512"))),
        ),
        (scram, &[PLAINTEXT, TLS, IAM], None),
        (
            None,
            &all,
            Some(("iam:9098", "SASL_SSL", Some("OAUTHBEARER"))),
        ),
        (
            None,
            &[PLAINTEXT, TLS, SCRAM],
            Some(("tls:9094", "SSL", None)),
        ),
        (
            None,
            &[PLAINTEXT, SCRAM],
            Some(("plain:9092", "PLAINTEXT", None)),
        ),
        (None, &[SCRAM], None),
        (None, &[IPV6], Some(("six:9094", "SSL", None))),
    ];
    for (entry, brokers, expected) in cases {
        let (authenticator, _) = with_aws(brokers);
        let found = authenticator.authenticate(&msk(entry)).await;
        match (found, expected) {
            (Ok(settings), Some((servers, protocol, mechanism))) => {
                assert_eq!(settings.bootstrap_servers(), servers);
                assert_eq!(settings.property("security.protocol"), Some(protocol));
                assert_eq!(settings.property("sasl.mechanism"), mechanism);
                assert_eq!(
                    settings.tokens().is_some(),
                    mechanism == Some("OAUTHBEARER")
                );
            }
            (Err(error), None) => {
                assert_eq!(error.kind, AuthErrorKind::Configuration);
                assert!(
                    error.message.starts_with("MSK cluster orders has no "),
                    "{error}"
                );
            }
            (found, expected) => panic!("{entry:?} {brokers:?}: {found:?} for {expected:?}"),
        }
    }
}

#[tokio::test]
async fn public_addresses_are_taken_where_there_are_some() {
    let (authenticator, aws) = with_aws(&[IAM, PUBLIC_IAM]);
    let settings = authenticator.authenticate(&msk(None)).await.unwrap();
    assert_eq!(settings.bootstrap_servers(), "public:9198");
    let asked = [
        format!("brokers {CLUSTER}"),
        "msk Some(\"eu-west-1\") false".to_owned(),
    ];
    assert_eq!(aws.asked(), asked);
}

#[tokio::test]
async fn brokers_that_stand_in_for_a_cluster_are_reached_where_they_are() {
    let (client, user) = (&*arn("client"), &*arn("user"));
    let certificate = Some((AccessKind::ClientCertificateTlsAuth, client));
    let scram = Some((AccessKind::SaslScram512Auth, user));
    let cases = [
        (None, "h:1,i:2", Some("PLAINTEXT")),
        (None, "plaintext://h:1,i:2", Some("PLAINTEXT")),
        (None, "tls://h:1,i:2", Some("SSL")),
        (None, "iam://h:1,i:2", Some("SASL_SSL")),
        (None, "sasl_ssl://h:1,i:2", None),
        (scram, "h:1,i:2", Some("SASL_SSL")),
        (scram, "sasl_ssl://h:1,i:2", Some("SASL_SSL")),
        (scram, "plaintext://h:1,i:2", None),
        (scram, "tls://h:1,i:2", None),
        (certificate, "h:1,i:2", Some("SSL")),
        (certificate, "tls://h:1,i:2", Some("SSL")),
        (certificate, "iam://h:1,i:2", None),
    ];
    for (entry, address, protocol) in cases {
        let (authenticator, aws) = with_aws(&[]);
        let clusters = BTreeMap::from([(CLUSTER.to_owned(), address.parse().unwrap())]);
        let authenticator = authenticator.with_clusters(clusters);
        let found = authenticator.authenticate(&msk(entry)).await;
        let shown = found
            .as_ref()
            .ok()
            .and_then(|found| found.property("security.protocol"));
        assert_eq!(shown, protocol, "{entry:?} {address}: {found:?}");
        if let Ok(settings) = &found {
            assert_eq!(settings.bootstrap_servers(), "h:1,i:2");
        }
        // Nobody is asked where the brokers are, and whose credentials sign a token does not matter.
        let expected: &[&str] = if address.starts_with("iam") && entry.is_none() {
            &["msk Some(\"eu-west-1\") true"]
        } else {
            &[]
        };
        assert_eq!(aws.asked(), expected);
    }
}

#[test]
fn addresses_are_servers_with_ports() {
    for legal in ["h:1", "iam://b-1.x:9098,b-2.x:9098", "tls://[::1]:9094"] {
        assert_eq!(legal.parse::<ClusterAddress>().unwrap().to_string(), legal);
    }
    for illegal in [
        "",
        "h",
        "h:",
        ":1",
        "h:0",
        "h:70000",
        "http://h:1",
        "h:1,",
        "h:1;i:2",
        "u@h:1",
    ] {
        assert!(illegal.parse::<ClusterAddress>().is_err(), "{illegal}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_identity_of_the_process_works_on_self_managed_clusters_too() {
    let (authenticator, aws) = with_aws(&[]);
    let broker = "b-1.orders.a1.c2.kafka.eu-north-1.amazonaws.com:9098";
    for servers in [broker, "127.0.0.1:9098", "kafka.example.com:9098"] {
        let kafka = self_managed_at(servers, &[(AccessKind::IamAuth, "")]);
        let settings = authenticator.authenticate(&kafka).await.unwrap();
        assert_eq!(settings.property("security.protocol"), Some("SASL_SSL"));
        assert_eq!(settings.property("sasl.mechanism"), Some("OAUTHBEARER"));
    }
    let kafka = self_managed(&[
        (AccessKind::IamOauthbearerAuth, ""),
        (AccessKind::OauthbearerAudience, "kafka"),
    ]);
    let settings = authenticator.authenticate(&kafka).await.unwrap();
    let token = settings.tokens().unwrap().token().unwrap();
    assert_eq!(
        (&*token.text, token.expires),
        ("token-4", Timestamp(1_700_000_900_000))
    );
    let asked = [
        "msk Some(\"eu-north-1\") false",
        "msk None true",
        "msk None false",
        "web kafka",
    ];
    assert_eq!(aws.asked(), asked);
    let nobody = Authenticator::new(Arc::new(MemorySecrets::default()));
    let error = nobody.authenticate(&kafka).await.unwrap_err();
    assert_eq!(error.kind, AuthErrorKind::Configuration);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_expires() {
    let (authenticator, aws) = with_aws(&[IAM]);
    let settings = authenticator.authenticate(&msk(None)).await.unwrap();
    let tokens = settings.tokens().unwrap();
    assert_eq!(tokens.token().unwrap().text, "token-1");
    tokio::time::sleep(Duration::from_secs(629)).await;
    assert_eq!(tokens.token().unwrap().text, "token-1");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(tokens.token().unwrap().text, "token-2");
    // Its end is 900 s after it was given.
    let expires = tokens.token().unwrap().expires;
    assert_eq!(
        expires.since(Timestamp(1_700_000_000_000)).as_secs(),
        630 + 900
    );
    // While renewals fail, the old one is as good as ever until it expires.
    aws.refuse(true);
    tokio::time::sleep(Duration::from_secs(895)).await;
    assert_eq!(tokens.token().unwrap().text, "token-2");
    aws.refuse(false);
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(tokens.token().unwrap().text, "token-3");
    // A token that a broker refused is not waited for.
    tokens.renew();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(tokens.token().unwrap().text, "token-4");
    // Nobody renews what nobody has.
    let asked = aws.asked().len();
    drop(settings);
    tokio::time::sleep(Duration::from_secs(10_000)).await;
    assert_eq!(aws.asked().len(), asked);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_renewed_is_told_why() {
    let (authenticator, aws) = with_aws(&[IAM]);
    let settings = authenticator.authenticate(&msk(None)).await.unwrap();
    let tokens = Arc::clone(settings.tokens().unwrap());
    aws.refuse(true);
    tokio::time::sleep(Duration::from_secs(901)).await;
    let asked = tokio::task::spawn_blocking(move || tokens.token());
    let error = asked.await.unwrap().unwrap_err();
    assert_eq!(error.message, "no credentials here");
    assert_eq!(error.problem, Some(ConnectionProblem::SaslFailed));
}
