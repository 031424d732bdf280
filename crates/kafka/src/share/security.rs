//! From a client's settings, named as librdkafka has them, to those of krafka.

use std::sync::Arc;

use krafka::KrafkaError;
use krafka::auth::{AuthConfig, OAuthBearerToken, TlsConfig};
use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use tokio::task::spawn_blocking;

use crate::auth::{ClientSettings, TokenSource};

/// What this client knows how to do.
const KNOWN: [&str; 9] = [
    "bootstrap.servers",
    "security.protocol",
    "sasl.mechanism",
    "sasl.username",
    "sasl.password",
    "ssl.ca.pem",
    "ssl.certificate.pem",
    "ssl.key.pem",
    "ssl.key.password",
];

/// Returns how a member of a share group proves who it is.
pub(super) fn security(settings: &ClientSettings) -> Result<AuthConfig, SourceError> {
    let unknown = |(name, _): &&(&str, String)| !KNOWN.contains(name);
    if let Some((name, _)) = settings.properties().iter().find(unknown) {
        return Err(refused(format!(
            "the client of share groups has no setting {name}: leave it out, or make the mapping with ConsumptionMode \
             Stream"
        )));
    }
    let protocol = settings.property("security.protocol").unwrap_or_default();
    let auth = match protocol.to_ascii_uppercase().as_str() {
        "PLAINTEXT" => AuthConfig::plaintext(),
        "SSL" => AuthConfig::plaintext().with_tls(tls(settings)?),
        "SASL_PLAINTEXT" => sasl(settings)?,
        "SASL_SSL" => sasl(settings)?.with_tls(tls(settings)?),
        _ => {
            return Err(refused(format!(
                "security.protocol is {protocol}: must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
            )));
        }
    };
    Ok(auth)
}

fn sasl(settings: &ClientSettings) -> Result<AuthConfig, SourceError> {
    let secret = |name| settings.property(name).unwrap_or_default();
    let (user, password) = (secret("sasl.username"), secret("sasl.password"));
    match (settings.property("sasl.mechanism"), settings.tokens()) {
        (Some("PLAIN"), _) => Ok(AuthConfig::sasl_plain(user, password)),
        (Some("SCRAM-SHA-256"), _) => Ok(AuthConfig::sasl_scram_sha256(user, password)),
        (Some("SCRAM-SHA-512"), _) => Ok(AuthConfig::sasl_scram_sha512(user, password)),
        (Some("OAUTHBEARER"), Some(tokens)) => {
            let tokens = Arc::clone(tokens);
            let provider = move || token(Arc::clone(&tokens));
            Ok(AuthConfig::sasl_oauthbearer_provider(provider))
        }
        (mechanism, _) => Err(refused(format!(
            "sasl.mechanism is {}: must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, or OAUTHBEARER with tokens",
            mechanism.unwrap_or("not set")
        ))),
    }
}

async fn token(tokens: Arc<dyn TokenSource>) -> krafka::Result<OAuthBearerToken> {
    // It may wait for a renewal.
    let token = spawn_blocking(move || tokens.token()).await;
    let token = token.map_err(|error| KrafkaError::auth(error.to_string()))?;
    let token = token.map_err(|error| KrafkaError::auth(error.message))?;
    let bearer = OAuthBearerToken::new(token.text);
    let extensions = token.extensions.into_iter();
    Ok(extensions.fold(bearer, |bearer, (name, value)| {
        bearer.with_extension(name, value)
    }))
}

fn tls(settings: &ClientSettings) -> Result<TlsConfig, SourceError> {
    if settings.property("ssl.key.password").is_some() {
        return Err(refused(
            "the client of share groups takes no encrypted private key: store it in the secret of \
             CLIENT_CERTIFICATE_TLS_AUTH as it is, without privateKeyPassword, or make the mapping with ConsumptionMode \
             Stream",
        ));
    }
    let tls = match settings.property("ssl.ca.pem") {
        Some(authority) => TlsConfig::new().with_ca_cert_pem(authority),
        None => TlsConfig::new().with_native_roots(),
    };
    let certificate = settings.property("ssl.certificate.pem");
    let key = settings.property("ssl.key.pem");
    Ok(match (certificate, key) {
        (Some(certificate), Some(key)) => {
            tls.with_client_cert_pem(certificate, key.as_bytes().to_vec())
        }
        _ => tls,
    })
}

fn refused(message: impl Into<String>) -> SourceError {
    SourceError::new(SourceErrorKind::Fatal, message).with_reason(ReasonCode::ConfigNotValid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(settings: &ClientSettings) -> SourceError {
        security(settings).unwrap_err()
    }

    #[test]
    fn what_the_client_cannot_do_is_refused_by_name_and_no_secret_is_shown() {
        let mut settings = ClientSettings::new("b:9092", "SSL");
        settings.set("ssl.key.password", "s3cret");
        let refused = refusal(&settings);
        assert!(
            refused.message.contains("encrypted private key"),
            "{refused}"
        );
        assert_eq!(refused.reason, Some(ReasonCode::ConfigNotValid));
        assert!(!refused.message.contains("s3cret"), "{refused}");
        let mut settings = ClientSettings::new("b:9092", "SASL_SSL");
        settings.set("sasl.mechanism", "GSSAPI");
        assert!(refusal(&settings).message.contains("GSSAPI"));
        let mut settings = ClientSettings::new("b:9092", "PLAINTEXT");
        settings.set("socket.timeout.ms", "1");
        assert!(refusal(&settings).message.contains("socket.timeout.ms"));
    }

    #[test]
    fn tokens_are_needed_where_the_mechanism_is_one_of_tokens() {
        let mut settings = ClientSettings::new("b:9092", "SASL_SSL");
        settings.set("sasl.mechanism", "OAUTHBEARER");
        assert!(refusal(&settings).message.contains("with tokens"));
    }
}
