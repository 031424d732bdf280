//! Certificates and private keys of secrets, checked before a client is made with them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_esm_engine::secrets::SecretText;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::error::AuthError;
use super::secret::Secret;

const CERTIFICATE: &str = "certificate";
const PRIVATE_KEY: &str = "privateKey";
const PASSWORD: &str = "privateKeyPassword";
/// Begins an encrypted PKCS#8 key.
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
/// The object identifier of PBES2, 1.2.840.113549.1.5.13, in DER (RFC 8018).
const PBES2: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d,
];

/// What a client proves itself with, in PEM.
pub(super) struct ClientCertificate {
    pub(super) chain: String,
    pub(super) key: String,
    pub(super) key_password: Option<String>,
}

impl ClientCertificate {
    /// Reads a secret, and checks that its certificate and its private key belong together; of an encrypted key only
    /// that it is encrypted by PBES1, which is all that Lambda takes.
    pub(super) fn read(arn: &str, text: &SecretText) -> Result<Self, AuthError> {
        let secret = Secret::read(arn, text, AuthError::certificate)?;
        let (chain, key) = (secret.text(CERTIFICATE)?, secret.text(PRIVATE_KEY)?);
        let password = secret.optional(PASSWORD)?;
        let certificates = chain_of(chain).ok_or_else(|| {
            secret.wrong(CERTIFICATE, "must be a chain of X.509 certificates in PEM")
        })?;
        if key.trim_start().starts_with(ENCRYPTED) {
            check_encrypted(key, password).map_err(|(name, rule)| secret.wrong(name, rule))?;
        } else {
            let der = PrivateKeyDer::from_pem_slice(key.as_bytes());
            let der = der.map_err(|_| secret.wrong(PRIVATE_KEY, "must be a PKCS#8 key in PEM"))?;
            CertifiedKey::from_der(certificates, der, &aws_lc_rs::default_provider())
                .map_err(|_| {
                    secret.wrong(
                        PRIVATE_KEY,
                        "must be the private key of the first certificate in `certificate`, in PKCS#8",
                    )
                })?;
        }
        Ok(Self {
            chain: chain.to_owned(),
            key: key.to_owned(),
            key_password: password.map(str::to_owned),
        })
    }
}

fn check_encrypted(key: &str, password: Option<&str>) -> Result<(), (&'static str, &'static str)> {
    if password.is_none() {
        return Err((
            PASSWORD,
            "is missing or empty, and the private key is encrypted",
        ));
    }
    let der = pem_contents(key).ok_or((PRIVATE_KEY, "must be a PKCS#8 key in PEM"))?;
    if der.windows(PBES2.len()).any(|window| window == PBES2) {
        return Err((
            PRIVATE_KEY,
            "is encrypted by PBES2, which Lambda does not take; convert it with `openssl pkcs8 -topk8 -v1 \
             PBE-SHA1-3DES`",
        ));
    }
    Ok(())
}

/// Returns the bytes in the first block of a PEM text.
fn pem_contents(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN ")?;
    let (_, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    let body: String = body.split_whitespace().collect();
    STANDARD.decode(body).ok()
}

/// Returns the certificate authority in a secret, in PEM.
pub(super) fn root_ca(arn: &str, text: &SecretText) -> Result<String, AuthError> {
    let secret = Secret::read(arn, text, AuthError::certificate)?;
    let pem = secret.text(CERTIFICATE)?;
    roots(pem).ok_or_else(|| secret.wrong(CERTIFICATE, "must be X.509 certificates in PEM"))?;
    Ok(pem.to_owned())
}

/// Returns the certificate authorities in a PEM text; `None` if one of them is none, or there are none.
pub(super) fn roots(pem: &str) -> Option<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in chain_of(pem)? {
        store.add(certificate).ok()?;
    }
    Some(store)
}

fn chain_of(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let certificates =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    certificates.ok().filter(|found| !found.is_empty())
}
