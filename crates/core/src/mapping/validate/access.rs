//! `SourceAccessConfigurations`: what each source takes, and what goes together (Lambda developer guide, Kafka
//! cluster authentication). The service's texts for Kafka are not recorded.

use super::row::Subject;
use crate::mapping::arn::SourceKind;
use crate::mapping::error::ApiError;
use crate::mapping::structures::SourceAccessConfiguration;
use crate::mapping::wire::AccessKind;

type Checked = Result<(), ApiError>;

const FIELD: &str = "SourceAccessConfigurations";

/// Each source knows its own kinds of access, each once; brokers other than Kafka need credentials, a
/// self-managed Kafka cluster takes one mechanism at most, and what only adds to a mechanism comes with it.
pub(super) fn check(subject: Subject<'_>) -> Checked {
    let entries = subject.request.source_access_configurations.iter();
    let mut kinds = Vec::new();
    for (index, entry) in entries.flatten().enumerate() {
        let Some(kind) = entry.r#type.as_deref().and_then(AccessKind::parse) else {
            continue;
        };
        taken(subject.kind, kind)?;
        once(kind, &kinds)?;
        uri(index, kind, entry)?;
        kinds.push(kind);
    }
    match subject.kind {
        SourceKind::AmazonMq | SourceKind::DocumentDb => credentials(&kinds),
        SourceKind::SelfManagedKafka => one_mechanism(&kinds).and_then(|()| complete(&kinds)),
        _ => Ok(()),
    }
}

/// Returns the kinds of access that a source takes, in the order in which they are listed.
const fn legal(kind: SourceKind) -> &'static [AccessKind] {
    match kind {
        SourceKind::Msk => &[
            AccessKind::SaslScram512Auth,
            AccessKind::ClientCertificateTlsAuth,
        ],
        SourceKind::SelfManagedKafka => &[
            AccessKind::BasicAuth,
            AccessKind::SaslScram256Auth,
            AccessKind::SaslScram512Auth,
            AccessKind::ClientCertificateTlsAuth,
            AccessKind::ServerRootCaCertificate,
            AccessKind::VpcSubnet,
            AccessKind::VpcSecurityGroup,
            AccessKind::OauthbearerAuth,
            AccessKind::OauthbearerScope,
            AccessKind::OauthbearerAudience,
            AccessKind::OauthbearerLogicalCluster,
            AccessKind::OauthbearerIdentityPool,
            AccessKind::IamAuth,
            AccessKind::IamOauthbearerAuth,
        ],
        SourceKind::AmazonMq => &[AccessKind::BasicAuth, AccessKind::VirtualHost],
        _ => &[AccessKind::BasicAuth],
    }
}

fn taken(source: SourceKind, kind: AccessKind) -> Checked {
    let legal = legal(source);
    if legal.contains(&kind) {
        return Ok(());
    }
    Err(ApiError::unsupported(FIELD).hint(format!(
        "remove {}: {} takes {}",
        kind.as_str(),
        source.words(),
        names(legal).join(", ")
    )))
}

/// Only the network is described by several entries of one kind.
fn once(kind: AccessKind, seen: &[AccessKind]) -> Checked {
    let repeatable = matches!(kind, AccessKind::VpcSubnet | AccessKind::VpcSecurityGroup);
    if repeatable || !seen.contains(&kind) {
        return Ok(());
    }
    let name = kind.as_str();
    let message = format!("Duplicate source access configuration type: {name}.");
    Err(ApiError::invalid(FIELD, message).hint(format!("keep one entry of type {name}")))
}

/// An access by role is all said by its kind; every other needs to be told what it is about.
fn uri(index: usize, kind: AccessKind, entry: &SourceAccessConfiguration) -> Checked {
    let name = kind.as_str();
    match (kind.is_by_role(), &entry.uri) {
        (true, Some(_)) => {
            let message =
                format!("URI is not supported for the source access configuration type {name}.");
            Err(ApiError::invalid(FIELD, message).hint(format!(
                "remove URI from the entry of type {name}: it uses the function's role, and no secret"
            )))
        }
        (false, None) => {
            let member = format!("sourceAccessConfigurations.{}.member.uRI", index + 1);
            let what = what_the_uri_is(kind);
            Err(ApiError::missing(FIELD, &member)
                .hint(format!("add URI to the entry of type {name}: {what}")))
        }
        (true, None) | (false, Some(_)) => Ok(()),
    }
}

const fn what_the_uri_is(kind: AccessKind) -> &'static str {
    match kind {
        AccessKind::VpcSubnet => "subnet: and the subnet's ID",
        AccessKind::VpcSecurityGroup => "security_group: and the security group's ID",
        AccessKind::VirtualHost => "the name of the virtual host",
        AccessKind::OauthbearerScope => "the scope",
        AccessKind::OauthbearerAudience => "the audience",
        AccessKind::OauthbearerLogicalCluster => "the ID of the logical cluster",
        AccessKind::OauthbearerIdentityPool => "the ID of the identity pool",
        _ => "the ARN of the secret",
    }
}

fn credentials(kinds: &[AccessKind]) -> Checked {
    if kinds.contains(&AccessKind::BasicAuth) {
        return Ok(());
    }
    Err(ApiError::missing(FIELD, "sourceAccessConfigurations")
        .hint("add an entry of type BASIC_AUTH with the ARN of the secret"))
}

fn one_mechanism(kinds: &[AccessKind]) -> Checked {
    let mechanisms: Vec<AccessKind> = kinds
        .iter()
        .copied()
        .filter(|kind| kind.is_mechanism())
        .collect();
    if mechanisms.len() <= 1 {
        return Ok(());
    }
    let names = names(&mechanisms).join(", ");
    let message = format!("Only one authentication mechanism can be specified: {names}.");
    Err(ApiError::invalid(FIELD, message).hint(format!("keep one of {names}")))
}

/// A scope, an audience and the extensions belong to a token, and STS makes none without an audience.
fn complete(kinds: &[AccessKind]) -> Checked {
    let by_secret = kinds.contains(&AccessKind::OauthbearerAuth);
    let by_role = kinds.contains(&AccessKind::IamOauthbearerAuth);
    for kind in kinds {
        let (met, needs) = match kind {
            AccessKind::OauthbearerScope
            | AccessKind::OauthbearerLogicalCluster
            | AccessKind::OauthbearerIdentityPool => (by_secret, "OAUTHBEARER_AUTH"),
            AccessKind::OauthbearerAudience => (
                by_secret || by_role,
                "OAUTHBEARER_AUTH or IAM_OAUTHBEARER_AUTH",
            ),
            AccessKind::IamOauthbearerAuth => (
                kinds.contains(&AccessKind::OauthbearerAudience),
                "OAUTHBEARER_AUDIENCE",
            ),
            _ => continue,
        };
        if !met {
            let name = kind.as_str();
            let message = format!("The source access configuration type {name} requires {needs}.");
            let hint = if by_role && *kind != AccessKind::IamOauthbearerAuth {
                format!("remove {name}: a token of AWS STS has an audience only")
            } else {
                format!("add an entry of type {needs}, or remove {name}")
            };
            return Err(ApiError::invalid(FIELD, message).hint(hint));
        }
    }
    Ok(())
}

fn names(kinds: &[AccessKind]) -> Vec<&'static str> {
    kinds.iter().map(|kind| kind.as_str()).collect()
}
