//! Which listener of an Amazon MSK cluster a client goes to (Lambda developer guide, "Configuring cluster
//! authentication methods in Lambda").

use std::collections::BTreeMap;

use lambda_esm_core::mapping::Arn;

use super::access::Mechanism;
use super::address::{ClusterAddress, ListenerKind};
use super::error::AuthError;

/// A listener, and how a client authenticates there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listener {
    pub(super) kind: ListenerKind,
    /// `host:port[,host:port…]`.
    pub(super) servers: String,
}

/// Returns the listener for what a mapping names: TLS for a certificate, SASL/SCRAM for user name and password; for
/// neither IAM, TLS or plaintext, the first that the cluster has. If it lacks what the mapping asks for, no other takes
/// its place.
///
/// `brokers` are the addresses by their names in AWS's answer. A cluster that has public addresses is reached there,
/// since what runs outside AWS is outside its network; a VPC connection has addresses of its own.
pub(super) fn choose_listener(
    cluster: &Arn,
    brokers: &BTreeMap<String, String>,
    mechanism: &Mechanism,
) -> Result<Listener, AuthError> {
    let wanted: &[ListenerKind] = match mechanism {
        Mechanism::Certificate(_) => &[ListenerKind::Tls],
        Mechanism::Password(..) => &[ListenerKind::SaslSsl],
        _ => &[
            ListenerKind::Iam,
            ListenerKind::Tls,
            ListenerKind::Plaintext,
        ],
    };
    let networks: &[&str] = if cluster.resource().starts_with("vpc-connection/") {
        &["VpcConnectivity"]
    } else {
        &["Public", ""]
    };
    for kind in wanted {
        let names = networks.iter().map(|network| match kind {
            ListenerKind::Plaintext => format!("BootstrapBrokerString{network}"),
            ListenerKind::Tls => format!("BootstrapBrokerString{network}Tls"),
            ListenerKind::SaslSsl => format!("BootstrapBrokerString{network}SaslScram"),
            ListenerKind::Iam => format!("BootstrapBrokerString{network}SaslIam"),
        });
        let mut names: Vec<String> = names.collect();
        names.extend(names.last().map(|name| format!("{name}Ipv6")));
        let servers = names.iter().filter_map(|name| brokers.get(name));
        if let Some(servers) = servers.into_iter().find(|servers| !servers.is_empty()) {
            return Ok(Listener {
                kind: *kind,
                servers: servers.clone(),
            });
        }
    }
    Err(lacking(cluster, mechanism, &[]))
}

/// Returns the listener of brokers that stand in for a cluster.
pub(super) fn stand_in_listener(
    cluster: &Arn,
    address: &ClusterAddress,
    mechanism: &Mechanism,
) -> Result<Listener, AuthError> {
    let (legal, default): (&[ListenerKind], _) = match mechanism {
        Mechanism::Certificate(_) => (&[ListenerKind::Tls], ListenerKind::Tls),
        Mechanism::Password(..) => (&[ListenerKind::SaslSsl], ListenerKind::SaslSsl),
        _ => (
            &[
                ListenerKind::Plaintext,
                ListenerKind::Tls,
                ListenerKind::Iam,
            ],
            ListenerKind::Plaintext,
        ),
    };
    let kind = address.listener.unwrap_or(default);
    if !legal.contains(&kind) {
        return Err(lacking(cluster, mechanism, legal));
    }
    let servers = address.servers.clone();
    Ok(Listener { kind, servers })
}

fn lacking(cluster: &Arn, mechanism: &Mechanism, schemes: &[ListenerKind]) -> AuthError {
    let (listener, entry) = match mechanism {
        Mechanism::Certificate(_) => ("TLS listener", "CLIENT_CERTIFICATE_TLS_AUTH"),
        Mechanism::Password(..) => ("SASL/SCRAM listener", "SASL_SCRAM_512_AUTH"),
        _ => ("listener for clients without a secret", "no secret"),
    };
    let name = cluster.resource_name();
    let schemes: Vec<&str> = schemes.iter().map(|kind| kind.scheme()).collect();
    AuthError::configuration(if schemes.is_empty() {
        format!(
            "MSK cluster {name} has no {listener}, which SourceAccessConfigurations asks for with {entry}; switch it on \
             or change the mapping"
        )
    } else {
        format!(
            "endpoints.arns has no {listener} for MSK cluster {name}, which SourceAccessConfigurations asks for with \
             {entry}; begin the address with {}",
            schemes.join(" or ")
        )
    })
}
