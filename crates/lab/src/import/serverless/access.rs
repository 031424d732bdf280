//! How events say who Lambda is to a broker.

use crate::import::findings::Findings;
use crate::import::node::{Member, Node, Position, Value, join};
use crate::import::shape::unknown;

/// The name in `accessConfigurations`, the type in the API, and what its URI begins with.
const KINDS: [(&str, &str, &str); 7] = [
    ("vpcSubnet", "VPC_SUBNET", "subnet:"),
    ("vpcSecurityGroup", "VPC_SECURITY_GROUP", "security_group:"),
    ("saslPlainAuth", "BASIC_AUTH", ""),
    ("saslScram256Auth", "SASL_SCRAM_256_AUTH", ""),
    ("saslScram512Auth", "SASL_SCRAM_512_AUTH", ""),
    (
        "clientCertificateTlsAuth",
        "CLIENT_CERTIFICATE_TLS_AUTH",
        "",
    ),
    ("serverRootCaCertificate", "SERVER_ROOT_CA_CERTIFICATE", ""),
];

/// Returns one way to authenticate.
pub(super) fn one(kind: &str, uri: Node) -> Node {
    let at = uri.at;
    let member = |key: &str, node: Node| Member {
        key: key.to_owned(),
        at,
        node,
    };
    let members = vec![member("Type", Node::text(at, kind)), member("URI", uri)];
    Node::new(at, Value::Map(members))
}

/// Reads `accessConfigurations`, each of which may be one or a list.
pub(super) fn all(node: &Node, path: &str, findings: &mut Findings) -> Vec<Node> {
    let mut accesses = Vec::new();
    for member in node.members() {
        let Some((_, kind, prefix)) = KINDS.iter().find(|(name, ..)| *name == member.key) else {
            unknown(&member.node, &join(path, &member.key), findings);
            continue;
        };
        let uris = match &member.node.value {
            Value::List(items) => items.clone(),
            _ => vec![member.node.clone()],
        };
        for uri in uris {
            let text = uri.scalar().unwrap_or_default();
            let text = if text.starts_with(prefix) {
                text
            } else {
                format!("{prefix}{text}")
            };
            accesses.push(one(kind, Node::text(uri.at, text)));
        }
    }
    accesses
}

/// Returns a map of one member.
pub(super) fn map(key: &str, at: Position, node: Node) -> Node {
    let member = Member {
        key: key.to_owned(),
        at,
        node,
    };
    Node::new(at, Value::Map(vec![member]))
}
