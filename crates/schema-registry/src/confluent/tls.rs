//! TLS to a registry.

use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::config::{ClientCertificate, ConfluentConfig, ConfluentConfigError};

/// How the header of an encrypted key begins.
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

/// Returns what a connection needs; reads the root certificates of this machine only if they are used.
pub(super) fn client_config(
    config: &ConfluentConfig,
    is_tls: bool,
) -> Result<ClientConfig, ConfluentConfigError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfluentConfigError::RootCertificate(error.to_string()))?;
    let builder = match &config.root_certificate {
        Some(pem) => builder.with_root_certificates(roots(pem)?),
        None if is_tls => builder
            .with_native_roots()
            .map_err(ConfluentConfigError::MachineRoots)?,
        None => builder.with_root_certificates(RootCertStore::empty()),
    };
    match &config.client_certificate {
        None => Ok(builder.with_no_client_auth()),
        Some(certificate) => {
            let (chain, key) = identity(certificate)?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| ConfluentConfigError::ClientCertificate(error.to_string()))
        }
    }
}

fn roots(pem: &str) -> Result<RootCertStore, ConfluentConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem).map_err(ConfluentConfigError::RootCertificate)? {
        let added = roots.add(certificate);
        added.map_err(|error| ConfluentConfigError::RootCertificate(error.to_string()))?;
    }
    Ok(roots)
}

fn identity(
    certificate: &ClientCertificate,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), ConfluentConfigError> {
    let chain = certificates(&certificate.chain);
    let chain = chain.map_err(ConfluentConfigError::ClientCertificate)?;
    if certificate.key.contains(ENCRYPTED) {
        return Err(ConfluentConfigError::ClientCertificate(
            "has an encrypted private key; give one that is not".to_owned(),
        ));
    }
    let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).map_err(|_| {
        ConfluentConfigError::ClientCertificate("has no private key in PEM".to_owned())
    })?;
    Ok((chain, key))
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
    let certificates = certificates.collect::<Result<Vec<_>, _>>();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err("holds no certificate in PEM".to_owned()),
    }
}
