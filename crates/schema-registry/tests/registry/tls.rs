//! Certificates, made by the `openssl` command.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use lambda_esm_schema_registry::{ConfluentConfig, ConfluentRegistry, LookupError, SchemaLookup};
use serde_json::json;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use uuid::Uuid;

use crate::server::{Reply, SEVEN, Server};

/// A folder with two authorities, and a certificate of each.
struct Certificates(PathBuf);

impl Certificates {
    /// Makes them; `None`, after saying so, if there is no `openssl`.
    fn make() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            println!("skipped: there is no openssl");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("lambda-esm-{}", Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        for authority in ["ours", "other"] {
            openssl(&folder, authority, &["-addext", "keyUsage=keyCertSign"]);
            for kind in ["server", "client"] {
                let name = format!("{authority}-{kind}");
                let (ca, key) = (format!("{authority}.pem"), format!("{authority}.key"));
                let issued = [
                    "-CA",
                    ca.as_str(),
                    "-CAkey",
                    key.as_str(),
                    "-addext",
                    "basicConstraints=critical,CA:FALSE",
                    "-addext",
                    "subjectAltName=IP:127.0.0.1",
                ];
                openssl(&folder, &name, &issued);
            }
        }
        Some(Self(folder))
    }

    fn pem(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// A server of ours, which asks for a certificate of ours if it is to.
    async fn server(&self, asks: bool) -> Server {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = if asks {
            let mut roots = RootCertStore::empty();
            roots.add(certificate(&self.pem("ours.pem"))).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let chain = vec![certificate(&self.pem("ours-server.pem"))];
        let key = PrivateKeyDer::from_pem_slice(self.pem("ours-server.key").as_bytes()).unwrap();
        let config = builder.with_single_cert(chain, key).unwrap();
        let answer = json!({"schema": "\"int\""}).to_string();
        Server::start_tls(TlsAcceptor::from(Arc::new(config)), move |_| {
            Reply::Json(200, answer.clone())
        })
        .await
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn openssl(folder: &Path, name: &str, more: &[&str]) {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            &format!("/CN={name}"),
            "-keyout",
            &format!("{name}.key"),
            "-out",
            &format!("{name}.pem"),
        ])
        .args(more)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

async fn ask(config: &ConfluentConfig) -> Result<(), String> {
    let registry = ConfluentRegistry::new(config).unwrap();
    match registry.schema(SEVEN).await {
        Ok(_) => Ok(()),
        Err(LookupError::Unavailable(text)) => Err(text),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_private_authority_is_trusted_if_it_is_the_one_that_was_given() {
    let Some(certificates) = Certificates::make() else {
        return;
    };
    let server = certificates.server(false).await;
    let config = ConfluentConfig::new(server.tls_url());
    let ours = config
        .clone()
        .with_root_certificate(certificates.pem("ours.pem"));
    assert_eq!(ask(&ours).await, Ok(()));
    for stranger in [
        config
            .clone()
            .with_root_certificate(certificates.pem("other.pem")),
        config,
    ] {
        let text = ask(&stranger).await.unwrap_err();
        assert!(
            text.contains("invalid peer certificate: UnknownIssuer"),
            "{text}"
        );
    }
    // Both at once, one after the other.
    let both = certificates.pem("other.pem") + &certificates.pem("ours.pem");
    let both = ConfluentConfig::new(server.tls_url()).with_root_certificate(both);
    assert_eq!(ask(&both).await, Ok(()));
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let Some(certificates) = Certificates::make() else {
        return;
    };
    let server = certificates.server(true).await;
    let config =
        ConfluentConfig::new(server.tls_url()).with_root_certificate(certificates.pem("ours.pem"));
    let with = |name: &str| {
        let pem = |end: &str| certificates.pem(&format!("{name}.{end}"));
        config
            .clone()
            .with_client_certificate(pem("pem"), pem("key"))
    };
    assert_eq!(ask(&with("ours-client")).await, Ok(()));
    let text = ask(&with("other-client")).await.unwrap_err();
    assert!(
        text.starts_with(&format!("schema registry {} ", server.tls_url())),
        "{text}"
    );
    assert!(ask(&config).await.is_err());
}

#[test]
fn certificates_that_cannot_be_used_are_refused_without_showing_them() {
    let Some(certificates) = Certificates::make() else {
        return;
    };
    let config = ConfluentConfig::new("https://127.0.0.1:1");
    let (chain, key) = (
        certificates.pem("ours-client.pem"),
        certificates.pem("ours-client.key"),
    );
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (config, words) in [
        (
            config.clone().with_root_certificate("hunter2"),
            "the root certificate for the schema registry holds no certificate in PEM",
        ),
        (
            config.clone().with_client_certificate("hunter2", &key),
            "the client certificate for the schema registry holds no certificate in PEM",
        ),
        (
            config.clone().with_client_certificate(&chain, "hunter2"),
            "the client certificate for the schema registry has no private key in PEM",
        ),
        (
            config.clone().with_client_certificate(&chain, encrypted),
            "the client certificate for the schema registry has an encrypted private key; give one that is not",
        ),
        (
            config.with_client_certificate(&chain, certificates.pem("other-client.key")),
            "the client certificate for the schema registry keys may not be consistent: KeyMismatch",
        ),
    ] {
        let text = ConfluentRegistry::new(&config).unwrap_err().to_string();
        assert_eq!(text, words);
    }
}
