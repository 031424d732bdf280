//! How a Kafka mapping authenticates: which kinds of access go together, and what is said of those that do not.

mod mapping_common;

use lambda_esm_core::mapping::{Access, AccessKind, ApiError, Mapping, Source};
use mapping_common::{SECRET, accepted, echo, refused, update, with};
use serde_json::{Value, json};

/// Every kind of access that only self-managed Kafka has beside its network and its mechanism of old, in the
/// order of the API.
const NEWER: [&str; 7] = [
    "OAUTHBEARER_AUTH",
    "OAUTHBEARER_SCOPE",
    "OAUTHBEARER_AUDIENCE",
    "OAUTHBEARER_LOGICAL_CLUSTER",
    "OAUTHBEARER_IDENTITY_POOL",
    "IAM_AUTH",
    "IAM_OAUTHBEARER_AUTH",
];

const MECHANISMS: [&str; 7] = [
    "BASIC_AUTH",
    "SASL_SCRAM_512_AUTH",
    "SASL_SCRAM_256_AUTH",
    "CLIENT_CERTIFICATE_TLS_AUTH",
    "OAUTHBEARER_AUTH",
    "IAM_AUTH",
    "IAM_OAUTHBEARER_AUTH",
];

/// An entry of a kind, with a URI as it needs one.
fn entry(kind: &str) -> Value {
    match kind {
        "IAM_AUTH" | "IAM_OAUTHBEARER_AUTH" => json!({"Type": kind}),
        "OAUTHBEARER_SCOPE" => {
            json!({"Type": kind, "URI": "https://kafka.example/.default openid"})
        }
        "OAUTHBEARER_AUDIENCE" => json!({"Type": kind, "URI": "https://kafka.example"}),
        "OAUTHBEARER_LOGICAL_CLUSTER" => json!({"Type": kind, "URI": "lkc-12345"}),
        "OAUTHBEARER_IDENTITY_POOL" => json!({"Type": kind, "URI": "pool-AbC"}),
        "VPC_SUBNET" => json!({"Type": kind, "URI": "subnet:subnet-0011"}),
        "VPC_SECURITY_GROUP" => json!({"Type": kind, "URI": "security_group:sg-0123"}),
        _ => json!({"Type": kind, "URI": SECRET}),
    }
}

fn entries(kinds: &[&str]) -> Value {
    let entries: Vec<Value> = kinds.iter().map(|kind| entry(kind)).collect();
    json!({"SourceAccessConfigurations": entries})
}

fn access(mapping: Mapping) -> Vec<Access> {
    match mapping.source {
        Source::Kafka(kafka) => kafka.access,
        other => panic!("{other:?}"),
    }
}

/// Asserts that creation and update both refuse the entries, with these texts.
#[track_caller]
fn assert_refused(accesses: &Value, message: &str, hint: &str) {
    let mapping = accepted(with("kafka", json!({"SourceAccessConfigurations": []})));
    let on_update = update(&mapping, accesses.clone());
    let on_update = on_update
        .err()
        .unwrap_or_else(|| panic!("{accesses} was accepted"));
    for error in [refused(with("kafka", accesses.clone())), on_update] {
        let ApiError {
            code,
            message: said,
            field,
            hint: way_out,
            ..
        } = error;
        assert_eq!(
            (said.as_str(), way_out.as_deref()),
            (message, Some(hint)),
            "{accesses}"
        );
        assert_eq!(code.name(), "InvalidParameterValueException");
        assert_eq!(field, Some("SourceAccessConfigurations"));
    }
}

#[test]
fn what_goes_together_is_accepted_and_shown_in_the_order_given() {
    for kinds in [
        [].as_slice(),
        &["VPC_SUBNET", "VPC_SUBNET", "VPC_SECURITY_GROUP"],
        &["SERVER_ROOT_CA_CERTIFICATE"],
        &["BASIC_AUTH", "SERVER_ROOT_CA_CERTIFICATE"],
        &["SASL_SCRAM_256_AUTH"],
        &["SASL_SCRAM_512_AUTH", "VPC_SUBNET", "VPC_SECURITY_GROUP"],
        &["CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE"],
        &["OAUTHBEARER_AUTH"],
        &["OAUTHBEARER_SCOPE", "OAUTHBEARER_AUTH"],
        &["OAUTHBEARER_AUDIENCE", "OAUTHBEARER_AUTH"],
        &[
            "SERVER_ROOT_CA_CERTIFICATE",
            "OAUTHBEARER_AUTH",
            "OAUTHBEARER_SCOPE",
            "OAUTHBEARER_AUDIENCE",
            "OAUTHBEARER_LOGICAL_CLUSTER",
            "OAUTHBEARER_IDENTITY_POOL",
        ],
        &["IAM_AUTH"],
        &["IAM_AUTH", "SERVER_ROOT_CA_CERTIFICATE", "VPC_SUBNET"],
        &["IAM_OAUTHBEARER_AUTH", "OAUTHBEARER_AUDIENCE"],
    ] {
        let given = entries(kinds);
        let mapping = accepted(with("kafka", given.clone()));
        let shown = &echo(&mapping)["SourceAccessConfigurations"];
        assert_eq!(*shown, given["SourceAccessConfigurations"], "{kinds:?}");
        let read: Vec<_> = access(mapping).iter().map(|a| a.kind.as_str()).collect();
        assert_eq!(read, kinds);
    }
}

#[test]
fn an_access_by_role_is_kept_without_a_uri() {
    let read = access(accepted(with("kafka", entries(&["IAM_AUTH"]))));
    assert_eq!((read[0].kind, &read[0].uri), (AccessKind::IamAuth, &None));
    let read = access(accepted(with("kafka", entries(&["OAUTHBEARER_AUTH"]))));
    assert_eq!(read[0].uri.as_deref(), Some(SECRET));
}

#[test]
fn each_mechanism_excludes_every_other() {
    for first in MECHANISMS {
        for second in MECHANISMS.into_iter().filter(|second| *second != first) {
            let mut kinds = vec![first, second];
            if kinds.contains(&"IAM_OAUTHBEARER_AUTH") {
                kinds.push("OAUTHBEARER_AUDIENCE");
            }
            assert_refused(
                &entries(&kinds),
                &format!("Only one authentication mechanism can be specified: {first}, {second}."),
                &format!("keep one of {first}, {second}"),
            );
        }
    }
}

#[test]
fn what_adds_to_a_token_comes_with_its_mechanism() {
    for kind in [
        "OAUTHBEARER_SCOPE",
        "OAUTHBEARER_LOGICAL_CLUSTER",
        "OAUTHBEARER_IDENTITY_POOL",
    ] {
        let message =
            format!("The source access configuration type {kind} requires OAUTHBEARER_AUTH.");
        let add = format!("add an entry of type OAUTHBEARER_AUTH, or remove {kind}");
        for others in [
            [].as_slice(),
            &["BASIC_AUTH"],
            &["IAM_AUTH"],
            &["VPC_SUBNET"],
        ] {
            let kinds: Vec<&str> = [kind].into_iter().chain(others.iter().copied()).collect();
            assert_refused(&entries(&kinds), &message, &add);
        }
        assert_refused(
            &entries(&["IAM_OAUTHBEARER_AUTH", "OAUTHBEARER_AUDIENCE", kind]),
            &message,
            &format!("remove {kind}: a token of AWS STS has an audience only"),
        );
    }
    for others in [[].as_slice(), &["SASL_SCRAM_512_AUTH"], &["IAM_AUTH"]] {
        let kinds: Vec<&str> = ["OAUTHBEARER_AUDIENCE"]
            .into_iter()
            .chain(others.iter().copied())
            .collect();
        assert_refused(
            &entries(&kinds),
            "The source access configuration type OAUTHBEARER_AUDIENCE requires OAUTHBEARER_AUTH or \
             IAM_OAUTHBEARER_AUTH.",
            "add an entry of type OAUTHBEARER_AUTH or IAM_OAUTHBEARER_AUTH, or remove OAUTHBEARER_AUDIENCE",
        );
    }
}

#[test]
fn a_token_of_sts_needs_an_audience() {
    assert_refused(
        &entries(&["IAM_OAUTHBEARER_AUTH"]),
        "The source access configuration type IAM_OAUTHBEARER_AUTH requires OAUTHBEARER_AUDIENCE.",
        "add an entry of type OAUTHBEARER_AUDIENCE, or remove IAM_OAUTHBEARER_AUTH",
    );
}

#[test]
fn an_access_by_role_with_a_uri_is_refused() {
    for kind in ["IAM_AUTH", "IAM_OAUTHBEARER_AUTH"] {
        assert_refused(
            &json!({"SourceAccessConfigurations": [{"Type": kind, "URI": SECRET}]}),
            &format!("URI is not supported for the source access configuration type {kind}."),
            &format!(
                "remove URI from the entry of type {kind}: it uses the function's role, and no secret"
            ),
        );
    }
}

#[test]
fn every_other_access_without_a_uri_is_told_what_to_give() {
    let secret = "the ARN of the secret";
    for (kind, what) in [
        ("BASIC_AUTH", secret),
        ("VPC_SUBNET", "subnet: and the subnet's ID"),
        (
            "VPC_SECURITY_GROUP",
            "security_group: and the security group's ID",
        ),
        ("SASL_SCRAM_512_AUTH", secret),
        ("SASL_SCRAM_256_AUTH", secret),
        ("CLIENT_CERTIFICATE_TLS_AUTH", secret),
        ("SERVER_ROOT_CA_CERTIFICATE", secret),
        ("OAUTHBEARER_AUTH", secret),
        ("OAUTHBEARER_SCOPE", "the scope"),
        ("OAUTHBEARER_AUDIENCE", "the audience"),
        (
            "OAUTHBEARER_LOGICAL_CLUSTER",
            "the ID of the logical cluster",
        ),
        ("OAUTHBEARER_IDENTITY_POOL", "the ID of the identity pool"),
    ] {
        assert_refused(
            &json!({"SourceAccessConfigurations": [entry("VPC_SUBNET"), {"Type": kind}]}),
            "Required 'sourceAccessConfigurations.2.member.uRI' parameter is missing.",
            &format!("add URI to the entry of type {kind}: {what}"),
        );
    }
    for kind in ["msk", "mq", "documentdb"] {
        let access = if kind == "msk" {
            "SASL_SCRAM_512_AUTH"
        } else {
            "BASIC_AUTH"
        };
        let none = json!({"SourceAccessConfigurations": [{"Type": access}]});
        assert_eq!(
            refused(with(kind, none)).message,
            "Required 'sourceAccessConfigurations.1.member.uRI' parameter is missing.",
            "{kind}"
        );
    }
}

#[test]
fn an_entry_without_a_type_is_refused_by_its_shape() {
    let error = refused(with(
        "kafka",
        json!({"SourceAccessConfigurations": [{"URI": SECRET}]}),
    ));
    assert_eq!(
        error.message,
        "1 validation error detected: Value null at 'sourceAccessConfigurations.1.member.type' failed to \
         satisfy constraint: Member must not be null"
    );
}

#[test]
fn a_kind_is_given_once_but_for_the_network() {
    let networks = ["VPC_SUBNET", "VPC_SECURITY_GROUP"];
    let all = MECHANISMS.into_iter().chain(NEWER).chain(networks);
    for kind in all.chain(["SERVER_ROOT_CA_CERTIFICATE"]) {
        let twice = entries(&[kind, kind]);
        if networks.contains(&kind) {
            accepted(with("kafka", twice));
        } else {
            assert_refused(
                &twice,
                &format!("Duplicate source access configuration type: {kind}."),
                &format!("keep one entry of type {kind}"),
            );
        }
    }
}

#[test]
fn oauth_and_iam_are_for_self_managed_clusters_only() {
    for (source, takes) in [
        (
            "msk",
            "an Amazon MSK cluster takes SASL_SCRAM_512_AUTH, CLIENT_CERTIFICATE_TLS_AUTH",
        ),
        ("mq", "an Amazon MQ broker takes BASIC_AUTH, VIRTUAL_HOST"),
        ("documentdb", "a DocumentDB cluster takes BASIC_AUTH"),
    ] {
        for kind in NEWER {
            let error = refused(with(source, entries(&[kind])));
            let text = "Unsupported SourceAccessConfigurations parameter for given event source mapping type.";
            assert_eq!(error.message, text);
            assert_eq!(error.hint, Some(format!("remove {kind}: {takes}")));
        }
    }
}

#[test]
fn an_msk_cluster_may_have_a_secret_for_each_of_its_listeners() {
    let both = entries(&["SASL_SCRAM_512_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH"]);
    let shown = echo(&accepted(with("msk", both.clone())));
    assert_eq!(
        shown["SourceAccessConfigurations"],
        both["SourceAccessConfigurations"]
    );
}

#[test]
fn an_update_replaces_the_access_as_a_whole() {
    let mapping = accepted(with(
        "kafka",
        entries(&["OAUTHBEARER_AUTH", "OAUTHBEARER_SCOPE"]),
    ));
    let kept = update(&mapping, json!({"BatchSize": 5})).map(|mapping| echo(&mapping));
    assert_eq!(
        kept.map(|shown| shown["SourceAccessConfigurations"].clone()),
        Ok(
            entries(&["OAUTHBEARER_AUTH", "OAUTHBEARER_SCOPE"])["SourceAccessConfigurations"]
                .clone()
        )
    );
    let changed = update(&mapping, entries(&["IAM_AUTH"])).map(access);
    let kinds = changed.map(|all| all.iter().map(|one| one.kind).collect::<Vec<_>>());
    assert_eq!(kinds, Ok(vec![AccessKind::IamAuth]));
}

#[test]
fn a_uri_has_the_characters_of_the_api() {
    for bad in ["a;b", "a%20b", "a,b", &"s".repeat(201)] {
        let scope = json!({"SourceAccessConfigurations": [
            entry("OAUTHBEARER_AUTH"), {"Type": "OAUTHBEARER_SCOPE", "URI": bad}
        ]});
        let error = refused(with("kafka", scope));
        assert_eq!(error.code.name(), "ValidationException", "{bad}");
        assert!(
            error
                .message
                .contains("'sourceAccessConfigurations.2.member.uRI'"),
            "{error}"
        );
    }
}
