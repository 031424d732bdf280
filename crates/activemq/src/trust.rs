//! Whose certificates are trusted.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Returns the settings of a TLS client that trusts the authorities in a PEM text; those of this machine if there is none.
/// Fails in words.
pub(crate) fn client(root_ca: Option<&str>) -> Result<ClientConfig, String> {
    let roots = match root_ca {
        Some(pem) => {
            given(pem).ok_or("the broker's certificate authority is no certificate in PEM")?
        }
        None => of_machine()?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn given(pem: &str) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate.ok()?).ok()?;
    }
    Some(roots).filter(|roots| !roots.is_empty())
}

fn of_machine() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(format!(
            "this machine has no certificate authorities: install its package ca-certificates, or give the broker's own ({} \
             errors)",
            found.errors.len()
        ));
    }
    Ok(roots)
}
