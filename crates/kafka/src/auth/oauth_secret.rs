//! The secret of `OAUTHBEARER_AUTH` (Lambda developer guide, "Configuring cluster authentication methods for
//! self-managed Apache Kafka").

use lambda_esm_engine::secrets::SecretText;

use super::assertion::SigningKey;
use super::certificates::roots;
use super::error::AuthError;
use super::secret::Secret;

const URL: &str = "oauthTokenEndpointUrl";
const CLIENT_SECRET: &str = "oauthClientSecret";
const EMAIL: &str = "oauthClientEmail";
const KEY: &str = "oauthPrivateKey";
const EXPIRATION: &str = "oauthTokenExpirationSeconds";
const CA: &str = "oauthIdpCaCertificate";

/// How long an assertion is valid if the secret does not say, in seconds. Not documented; servers commonly take up to an
/// hour.
const EXPIRATION_DEFAULT: u64 = 300;
/// More is no time in which anybody trusts an assertion.
const LONGEST_EXPIRATION: u64 = 86_400;

/// Where tokens are asked for, by whom.
pub(super) struct OauthSecret {
    pub(super) endpoint: http::Uri,
    pub(super) client_id: String,
    pub(super) proof: Proof,
    /// Whom to trust at the endpoint, in PEM; `None` for whom this machine trusts.
    pub(super) root_ca: Option<String>,
}

/// How a client proves who it is; the fields of the secret say which grant that is.
pub(super) enum Proof {
    /// Client credentials.
    ClientSecret(String),
    /// JWT bearer: an assertion.
    Assertion {
        email: String,
        key: SigningKey,
        /// In seconds.
        expiration: u64,
    },
}

impl OauthSecret {
    /// Reads a secret. The endpoint must be HTTPS unless `allow_plaintext`.
    pub(super) fn read(
        arn: &str,
        text: &SecretText,
        allow_plaintext: bool,
    ) -> Result<Self, AuthError> {
        let secret = Secret::read(arn, text, AuthError::sasl)?;
        let endpoint: http::Uri = secret.text(URL)?.parse().map_err(|_| not_https(&secret))?;
        let scheme = endpoint.scheme_str();
        let legal = scheme == Some("https") || allow_plaintext && scheme == Some("http");
        let has_user = endpoint
            .authority()
            .is_none_or(|authority| authority.as_str().contains('@'));
        if !legal || has_user {
            return Err(not_https(&secret));
        }
        let root_ca = secret.optional(CA)?.map(str::to_owned);
        if root_ca.as_deref().is_some_and(|pem| roots(pem).is_none()) {
            return Err(secret.wrong(CA, "must be X.509 certificates in PEM"));
        }
        Ok(Self {
            endpoint,
            client_id: secret.text("oauthClientId")?.to_owned(),
            proof: proof(&secret)?,
            root_ca,
        })
    }
}

fn not_https(secret: &Secret<'_>) -> AuthError {
    secret.wrong(URL, "must be an https URL without a user name")
}

fn proof(secret: &Secret<'_>) -> Result<Proof, AuthError> {
    let (client_secret, email, key) = (
        secret.optional(CLIENT_SECRET)?,
        secret.optional(EMAIL)?,
        secret.optional(KEY)?,
    );
    let expiration = secret.number(EXPIRATION)?;
    let of_assertion = [
        (EMAIL, email.is_some()),
        (KEY, key.is_some()),
        (EXPIRATION, expiration.is_some()),
    ];
    match client_secret {
        Some(client_secret) => match of_assertion.iter().find(|(_, is_there)| *is_there) {
            Some((other, _)) => Err(secret.wrong(
                other,
                "must not stand beside oauthClientSecret: one is for the JWT bearer grant, the other for client \
                 credentials; remove one",
            )),
            None => Ok(Proof::ClientSecret(client_secret.to_owned())),
        },
        None if of_assertion.iter().any(|(_, is_there)| *is_there) => {
            let expiration = expiration.unwrap_or(EXPIRATION_DEFAULT);
            if !(1..=LONGEST_EXPIRATION).contains(&expiration) {
                return Err(secret.wrong(EXPIRATION, "must be 1 to 86400 seconds"));
            }
            let key = SigningKey::from_pem(secret.text(KEY)?)
                .ok_or_else(|| secret.wrong(KEY, "must be an RSA private key in PEM, not encrypted"))?;
            Ok(Proof::Assertion {
                email: secret.text(EMAIL)?.to_owned(),
                key,
                expiration,
            })
        }
        None => Err(secret.wrong(
            CLIENT_SECRET,
            "is missing; add it for client credentials, or oauthClientEmail and oauthPrivateKey for the JWT bearer \
             grant",
        )),
    }
}
