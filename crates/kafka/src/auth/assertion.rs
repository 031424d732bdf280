//! Assertions of the JWT bearer grant (RFC 7523), signed by RS256 (RFC 7518, section 3.3).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lambda_esm_core::Timestamp;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

/// An RSA private key.
pub(super) struct SigningKey(KeyPair);

/// What an assertion says.
pub(super) struct Claims<'a> {
    /// Who asks; issuer and subject.
    pub(super) email: &'a str,
    /// Who is to believe it.
    pub(super) audience: &'a str,
    /// What for, where servers look for that in the assertion.
    pub(super) scope: Option<&'a str>,
    pub(super) now: Timestamp,
    /// How long it is valid, in seconds.
    pub(super) expiration: u64,
}

impl SigningKey {
    /// Reads a key in PKCS#8 or PKCS#1; `None` if it is none.
    pub(super) fn from_pem(pem: &str) -> Option<Self> {
        let key = match PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()? {
            PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
            _ => return None,
        };
        key.ok().map(Self)
    }

    /// Returns an assertion; `None` if the key cannot sign.
    pub(super) fn assert(&self, claims: &Claims<'_>) -> Option<String> {
        let issued = claims.now.millis().div_euclid(1000);
        let mut payload = json!({
            "iss": claims.email,
            "sub": claims.email,
            "aud": claims.audience,
            "iat": issued,
            "exp": issued.saturating_add_unsigned(claims.expiration),
        });
        if let Some(scope) = claims.scope {
            payload["scope"] = scope.into();
        }
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
        let payload = URL_SAFE_NO_PAD.encode(payload.to_string());
        let signed = format!("{header}.{payload}");
        let mut signature = vec![0; self.0.public_modulus_len()];
        let random = SystemRandom::new();
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                signed.as_bytes(),
                &mut signature,
            )
            .ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
