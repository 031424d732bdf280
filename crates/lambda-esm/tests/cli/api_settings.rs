//! `api` and `state_dir` in the configuration.

use crate::support::{file, lambda_esm};

/// Asserts that the daemon does not start with this file, and says this.
fn refused(name: &str, text: &str, problem: &str) {
    let path = file(name, text);
    let said = lambda_esm(&["run", &path]);
    assert_eq!((said.code, said.out.as_str()), (78, ""), "{said:?}");
    assert!(
        said.err.contains(&format!("error: {path}:{problem}")),
        "{problem}\n{}",
        said.err
    );
    assert!(!said.err.contains("hunter2"), "{}", said.err);
}

#[test]
fn an_address_must_be_an_ip_address_and_a_port() {
    for (index, listen) in ["localhost:9560", "127.0.0.1", "9560x"].iter().enumerate() {
        let problem = format!(
            "1:15: api.listen is \"{listen}\": must be an IP address and a port such as 127.0.0.1:9560"
        );
        let name = format!("api-listen-{index}.yaml");
        refused(&name, &format!("api: {{listen: '{listen}'}}\n"), &problem);
    }
}

#[test]
fn an_open_address_without_authentication_is_refused() {
    for (index, listen) in ["0.0.0.0:0", "'[::]:0'", "10.1.2.3:9560"]
        .iter()
        .enumerate()
    {
        let text = format!("api: {{listen: {listen}}}\n");
        let listen = listen.trim_matches('\'');
        let problem = format!(
            "1:6: api.listen {listen} is not a loopback address and api.auth is not set: anyone who reaches \
             it could change mappings; listen on 127.0.0.1, or set api.auth to sigv4 or bearer"
        );
        refused(&format!("api-open-{index}.yaml"), &text, &problem);
    }
}

#[test]
fn authentication_that_makes_no_sense_is_refused_without_showing_secrets() {
    for (index, (auth, problem)) in [
        ("{}", "1:13: api.auth: must have one of sigv4 and bearer"),
        (
            "{bearer: hunter2, sigv4: {AKID: hunter2}}",
            "1:13: api.auth: must have one of sigv4 and bearer",
        ),
        ("{bearer: ''}", "1:6: api.auth bearer needs a token"),
        (
            "{bearer: 'hunter2 hunter2'}",
            "1:6: api.auth bearer needs a token",
        ),
        ("{bearer: [hunter2]}", "1:22: api.auth.bearer: must be text"),
        ("{sigv4: {}}", "1:6: api.auth sigv4 has no keys"),
        (
            "{sigv4: {AKID: ''}}",
            "1:6: api.auth sigv4 has an empty access key id or secret",
        ),
        (
            "{sigv4: {AKID: 5551234}}",
            "1:28: api.auth.sigv4: must be text",
        ),
        ("{token: hunter2}", "1:14: api.auth: unknown key; known are"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("api-auth-{index}.yaml");
        refused(&name, &format!("api: {{auth: {auth}}}\n"), problem);
    }
}

#[test]
fn check_tells_where_the_api_is_and_where_state_is_kept_and_no_secret() {
    let text = "api: {listen: 0.0.0.0:9561, auth: {bearer: hunter2}}\nstate_dir: kept\n";
    let path = file("api-check.yaml", text);
    let said = lambda_esm(&["check", &path]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("0.0.0.0:9561"), "{}", said.out);
    assert!(said.out.contains("kept"), "{}", said.out);
    let json = lambda_esm(&["check", "--json", &path]);
    assert_eq!(json.json()[0]["api"], "0.0.0.0:9561");
    for said in [said.out, json.out] {
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_client_says_what_to_do_when_no_daemon_answers() {
    for arguments in [&["mappings", "list"][..], &["top", "--once"]] {
        let endpoint = ["--endpoint", "http://127.0.0.1:1"];
        let said = lambda_esm(&[&arguments[..1], &endpoint, &arguments[1..]].concat());
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
        for part in [
            "no daemon answers at http://127.0.0.1:1: ",
            "refused",
            "`api: {}` in its configuration",
            "--endpoint",
        ] {
            assert!(said.err.contains(part), "{part}: {}", said.err);
        }
    }
}
