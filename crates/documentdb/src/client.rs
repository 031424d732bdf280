//! Makes clients of a cluster.

use std::path::Path;
use std::time::Duration;

use lambda_esm_core::fault::SourceError;
use lambda_esm_engine::secrets::SecretResolver;
use mongodb::Client;
use mongodb::options::{ClientOptions, Credential, Tls, TlsOptions};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value};

use crate::address::ClusterAddress;
use crate::options::DocumentDbOptions;
use crate::problem::{denied, misconfigured, problem, secret_problem};

/// How long a server is looked for, unless the address says.
const SELECTION: Duration = Duration::from_secs(5);
/// One reads, another describes, and there is one more for what else comes.
const CONNECTIONS: u32 = 4;

/// Connects to a cluster, with user name and password of the secret as it is now.
pub(crate) async fn connect(
    address: &ClusterAddress,
    options: &DocumentDbOptions,
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
    client.connect_timeout.get_or_insert(SELECTION);
    client.max_pool_size.get_or_insert(CONNECTIONS);
    if let Some(file) = &options.certificate_authority {
        check_certificates(file)?;
        let mut tls = match client.tls.take() {
            Some(Tls::Enabled(tls)) => tls,
            _ => TlsOptions::default(),
        };
        tls.ca_file_path.get_or_insert_with(|| file.clone());
        client.tls = Some(Tls::Enabled(tls));
    }
    if options.login {
        let text = secrets.secret(secret).await.map_err(secret_problem)?;
        let (username, password) = user(secret, text.reveal())?;
        let mut credential = client.credential.take().unwrap_or_else(Credential::default);
        credential.username = Some(username);
        credential.password = Some(password);
        client.credential = Some(credential);
    }
    Client::with_options(client).map_err(|error| problem(&error))
}

/// Returns user name and password of a secret (Lambda developer guide, "Using Lambda with Amazon DocumentDB").
fn user(arn: &str, text: &str) -> Result<(String, String), SourceError> {
    let members: Map<String, Value> = serde_json::from_str(text).map_err(|_| {
        denied(format!(
            "secret {arn} must be a JSON object; see that it was stored as key/value pairs"
        ))
    })?;
    let member = |name: &str| match members.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        _ => Err(denied(format!(
            "secret {arn}: member {name} is missing, empty or no text; add it"
        ))),
    };
    Ok((member("username")?, member("password")?))
}

/// Checks that a file holds certificates: the driver tells only that it cannot use it.
fn check_certificates(file: &Path) -> Result<(), SourceError> {
    let shown = file.display();
    let pem = std::fs::read(file)
        .map_err(|error| misconfigured(format!("certificate authority {shown}: {error}")))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(found) if !found.is_empty() => Ok(()),
        _ => Err(misconfigured(format!(
            "certificate authority {shown}: must be X.509 certificates in PEM"
        ))),
    }
}
