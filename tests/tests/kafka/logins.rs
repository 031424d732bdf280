//! Each mechanism with the right credentials and with wrong ones.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{Timestamp, ToSpan as _};
use lambda_esm_tests::kafka::{Certificates, Listener};
use lambda_esm_tests::unsecured_token;
use rdkafka::ClientConfig;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::error::RDKafkaErrorCode::{
    AllBrokersDown, Authentication, BrokerTransportFailure, Resolve, SSL,
};

use crate::attempt::{Token, Told, reach};

fn client(bootstrap: &str, protocol: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("security.protocol", protocol);
    config
}

fn login(config: &ClientConfig, mechanism: &str, user: &str, password: &str) -> ClientConfig {
    let mut config = config.clone();
    config
        .set("sasl.mechanism", mechanism)
        .set("sasl.username", user)
        .set("sasl.password", password);
    config
}

/// Expects a refusal by one of `codes` whose text has `words`.
#[track_caller]
fn refused(outcome: Result<(), Told>, codes: &[RDKafkaErrorCode], words: &str) {
    let (told, text) = outcome.expect_err("the client was let in");
    println!("{told:?}: {text}");
    assert!(codes.contains(&told), "{told:?}: {text}");
    assert!(text.contains(words), "{text:?} has no {words:?}");
}

#[tokio::test]
async fn a_password_lets_in_by_plain_and_scram_and_a_wrong_one_does_not() {
    let Some(plaintext) = Listener::SaslPlaintext.shared() else {
        return;
    };
    let tls = Listener::SaslSsl.shared().unwrap();
    let certificates = Certificates::find().unwrap();
    let mut tls = client(&tls, "sasl_ssl");
    tls.set("ssl.ca.pem", certificates.text("ca.pem"));
    for config in [client(&plaintext, "sasl_plaintext"), tls] {
        for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
            for user in ["admin", "nobody"] {
                let right = login(&config, mechanism, user, &format!("{user}-secret"));
                reach(&right, None).await.unwrap();
            }
            for user in ["admin", "stranger"] {
                let wrong = login(&config, mechanism, user, "wrong");
                let words = "uthentication failed";
                refused(reach(&wrong, None).await, &[Authentication], words);
            }
        }
    }
}

#[tokio::test]
async fn a_server_is_refused_whose_authority_the_client_does_not_know() {
    let Some(tls) = Listener::Tls.shared() else {
        return;
    };
    let certificates = Certificates::find().unwrap();
    let mut config = client(&tls, "ssl");
    // The code is the one or the other, as it happens.
    let codes = [SSL, BrokerTransportFailure];
    for authority in [None, Some("other-ca.pem")] {
        if let Some(authority) = authority {
            config.set("ssl.ca.pem", certificates.text(authority));
        }
        let told = reach(&config, None).await;
        refused(told, &codes, "certificate verify failed");
    }
    config.set("ssl.ca.pem", certificates.text("ca.pem"));
    reach(&config, None).await.unwrap();
}

#[tokio::test]
async fn a_client_certificate_lets_in_and_none_or_a_wrong_one_does_not() {
    let Some(mtls) = Listener::Mtls.shared() else {
        return;
    };
    let certificates = Certificates::find().unwrap();
    let mut config = client(&mtls, "ssl");
    config.set("ssl.ca.pem", certificates.text("ca.pem"));
    let with = |certificate: &str, key: &str, password: Option<&str>| {
        let mut config = config.clone();
        config
            .set("ssl.certificate.pem", certificates.text(certificate))
            .set("ssl.key.pem", certificates.text(key));
        if let Some(password) = password {
            config.set("ssl.key.password", password);
        }
        config
    };
    for config in [
        with("client.pem", "client.key", None),
        with("client.pem", "client-secret.key", Some("key-secret")),
        with("client.pem", "client-secret-2.key", Some("key-secret")),
    ] {
        reach(&config, None).await.unwrap();
    }
    for config in [
        config.clone(),
        with("stranger.pem", "stranger.key", None),
        with("expired.pem", "expired.key", None),
    ] {
        // TLS 1.3 is done for the client before the server has looked at the certificate.
        let codes = [BrokerTransportFailure];
        refused(reach(&config, None).await, &codes, "SSL alert number");
    }
    // A key that cannot be read is a fault of the client's own.
    for config in [
        with("client.pem", "client-secret.key", Some("wrong")),
        with("client.pem", "stranger.key", None),
    ] {
        let made: Result<rdkafka::consumer::BaseConsumer, _> = config.create();
        println!("{}", made.err().expect("the client was made"));
    }
}

#[tokio::test]
async fn an_unsecured_token_lets_in_and_an_expired_or_malformed_one_does_not() {
    let Some(plaintext) = Listener::SaslPlaintext.shared() else {
        return;
    };
    let tls = Listener::SaslSsl.shared().unwrap();
    let certificates = Certificates::find().unwrap();
    let mut tls = client(&tls, "sasl_ssl");
    tls.set("ssl.ca.pem", certificates.text("ca.pem"));
    let hour = Duration::from_secs(3600);
    let now = Timestamp::now();
    let later = now.as_millisecond() + 3_600_000;
    for mut config in [client(&plaintext, "sasl_plaintext"), tls] {
        config.set("sasl.mechanism", "OAUTHBEARER");
        let right = unsecured_token("admin", now, hour);
        reach(&config, Some(Token(right, later))).await.unwrap();
        let expired = unsecured_token("admin", now - 2.hours(), hour);
        for wrong in [expired, "no-token".to_owned()] {
            let told = reach(&config, Some(Token(wrong, later))).await;
            refused(told, &[Authentication], "invalid_token");
        }
    }
}

/// Returns a token of the form of Amazon MSK's, signed by nobody.
fn msk_token(action: &str, signed: Timestamp) -> String {
    let signed = signed.strftime("%Y%m%dT%H%M%SZ");
    let url = format!(
        "https://kafka.us-east-1.amazonaws.com/?Action={action}&X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Fus-east-1%2Fkafka-cluster%2Faws4_request&X-Amz-Date={signed}\
         &X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=00&User-Agent=test"
    );
    URL_SAFE_NO_PAD.encode(url)
}

#[tokio::test]
async fn an_msk_token_lets_in_and_one_that_expired_or_lacks_the_action_does_not() {
    let Some(listener) = Listener::MskIam.shared() else {
        return;
    };
    let certificates = Certificates::find().unwrap();
    let mut config = client(&listener, "sasl_ssl");
    config
        .set("ssl.ca.pem", certificates.text("ca.pem"))
        .set("sasl.mechanism", "OAUTHBEARER");
    let now = Timestamp::now();
    let later = now.as_millisecond() + 900_000;
    let right = msk_token("kafka-cluster:Connect", now);
    reach(&config, Some(Token(right, later))).await.unwrap();
    for wrong in [
        msk_token("kafka-cluster:ReadData", now),
        msk_token("kafka-cluster:Connect", now - 16.minutes()),
        unsecured_token("admin", now, Duration::from_secs(900)),
    ] {
        let told = reach(&config, Some(Token(wrong, later))).await;
        refused(told, &[Authentication], "invalid_token");
    }
}

#[tokio::test]
async fn a_client_that_meets_the_wrong_listener_or_none_is_told_so() {
    let Some(plaintext) = Listener::Plaintext.shared() else {
        return;
    };
    let sasl = Listener::SaslPlaintext.shared().unwrap();
    let tls = Listener::Tls.shared().unwrap();
    // A port that nobody has: it was free a moment ago.
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let away = reach(&client(&format!("127.0.0.1:{port}"), "plaintext"), None).await;
    refused(away, &[BrokerTransportFailure], "Connect to ipv4#127.0.0.1");
    let unknown = reach(&client("no-such-host.invalid:9092", "plaintext"), None).await;
    refused(unknown, &[Resolve], "Failed to resolve");
    let plain = client(&plaintext, "sasl_plaintext");
    let login = login(&plain, "PLAIN", "admin", "admin-secret");
    let codes = [BrokerTransportFailure, Authentication, AllBrokersDown];
    // Of a listener with TLS or SASL that it meets without, librdkafka may say no more than that all brokers are away.
    for (config, words) in [
        (client(&sasl, "plaintext"), ""),
        (client(&tls, "plaintext"), ""),
        (client(&plaintext, "ssl"), "SSL connection closed by peer"),
        (login, "Request not valid in current SASL state"),
    ] {
        refused(reach(&config, None).await, &codes, words);
    }
}
