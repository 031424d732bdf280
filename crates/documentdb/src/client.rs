//! Makes clients of a cluster.

use std::path::PathBuf;
use std::time::Duration;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::credentials::Credentials;
use lambda_esm_engine::secrets::SecretResolver;
use mongodb::Client;
use mongodb::options::{ClientOptions, Tls, TlsOptions};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};

use crate::address::ClusterAddress;
use crate::private_folder::PrivateFolder;
use crate::problem::{misconfigured, problem};

/// How long a server is looked for, unless the address says.
const SELECTION: Duration = Duration::from_secs(3);
/// One reads, another describes, and there is one more for what else comes.
const CONNECTIONS: u32 = 4;

/// Connects to a cluster, with user name and password of the secret as it is now.
pub(crate) async fn connect(
    address: &ClusterAddress,
    folder: &PrivateFolder,
    secrets: &dyn SecretResolver,
    secret: &str,
) -> Result<Client, SourceError> {
    let mut client = ClientOptions::parse(address.url())
        .await
        .map_err(|error| problem(&error))?;
    client
        .app_name
        .get_or_insert_with(|| "lambda-esm".to_owned());
    client.server_selection_timeout.get_or_insert(SELECTION);
    client.max_pool_size.get_or_insert(CONNECTIONS);
    if let Some(pem) = &address.root_ca {
        let mut tls = match client.tls.take() {
            Some(Tls::Enabled(tls)) => tls,
            _ => TlsOptions::default(),
        };
        tls.ca_file_path = Some(certificate_file(pem, folder)?);
        client.tls = Some(Tls::Enabled(tls));
    }
    // Nobody logs in to a server that knows no users.
    client.credential = match Credentials::ask_or_nobody(secrets, secret).await? {
        Some(Credentials {
            username, password, ..
        }) => {
            let mut credential = client.credential.take().unwrap_or_default();
            credential.username = Some(username);
            credential.password = Some(password);
            Some(credential)
        }
        None => None,
    };
    Client::with_options(client).map_err(|error| problem(&error))
}

/// Checks certificate authorities, of which the driver tells only that it cannot use them, and returns the file in which it
/// finds them.
fn certificate_file(pem: &str, folder: &PrivateFolder) -> Result<PathBuf, SourceError> {
    let certificates =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    if !certificates.is_ok_and(|found| !found.is_empty()) {
        return Err(misconfigured("root_ca: must be X.509 certificates in PEM"));
    }
    let digest = Sha256::digest(pem.as_bytes());
    let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    folder
        .keep(&format!("root-ca-{name}.pem"), pem.as_bytes())
        .map_err(|error| SourceError::new(SourceErrorKind::Transient, error))
}
