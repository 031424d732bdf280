//! Secrets in the configuration: no error shows one, and files that others can read are told of.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::daemon::{Daemon, wait_for};
use crate::support::{command_after, file, lambda_esm};

/// Faulty files, each with a secret, `hunter2`, and what is told of it: place, field and rule. `F` stands for a
/// function with an open brace, `Q` for a mapping of it.
const FAULTY: [(&str, &str); 64] = [
    // In place of the map.
    (
        "api: {auth: hunter2}",
        "1:13: api.auth: must be a map, not text",
    ),
    (
        "api: {auth: 'bearer: hunter2'}",
        "1:13: api.auth: must be a map, not text",
    ),
    (
        "api: {auth: [bearer, hunter2]}",
        "1:13: api.auth: must be a map, not a list",
    ),
    (
        "api: {auth: {sigv4: 'AKID:hunter2'}}",
        "1:21: api.auth.sigv4: must be a map, not text",
    ),
    (
        "api: {auth: {sigv4: [AKID, hunter2]}}",
        "1:21: api.auth.sigv4: must be a map, not a list",
    ),
    (
        "api: 'bearer: hunter2'",
        "1:6: api: must be a map, not text",
    ),
    ("api: hunter2", "1:6: api: must be a map, not text"),
    (
        "api: [auth, hunter2]",
        "1:6: api: must be a map, not a list",
    ),
    ("hunter2", "1:1: must be a map, not text"),
    ("- hunter2", "1:1: must be a map, not a list"),
    (
        "F env: PW=hunter2}}\nQ",
        "1:54: functions.f.env: must be a map, not text",
    ),
    (
        "F env: [PW=hunter2]}}\nQ",
        "1:54: functions.f.env: must be a map, not a list",
    ),
    (
        "functions: {f: 'env: PW=hunter2'}\nQ",
        "1:16: functions.f: must be a map, not text",
    ),
    (
        "functions: 'f: {env: {PW: hunter2}}'\nQ",
        "1:12: functions: must be a map, not text",
    ),
    (
        "functions: [{env: {PW: hunter2}}]\nQ",
        "1:12: functions: must be a map, not a list",
    ),
    (
        "H headers: 'Authorization: hunter2'}}\nQ",
        "1:68: functions.f.headers: must be a map, not text",
    ),
    (
        "H headers: ['Authorization: hunter2']}}\nQ",
        "1:68: functions.f.headers: must be a map, not a list",
    ),
    (
        "mappings: 'Authorization: hunter2'",
        "1:11: mappings: must be a list, not text",
    ),
    (
        "functions: {f: {backend: simulated}}\nmappings: ['PW=hunter2']",
        "2:12: mappings[0]: must be a map, not text",
    ),
    (
        "filters: 'token hunter2'",
        "1:10: filters: must be a map, not text",
    ),
    // Of another kind.
    (
        "api: {auth: {bearer: [hunter2]}}",
        "1:22: api.auth.bearer: must be text, not a list",
    ),
    (
        "api: {auth: {bearer: {hunter2: x}}}",
        "1:22: api.auth.bearer: must be text, not a map",
    ),
    (
        "api: {auth: {sigv4: {hunter2: [x]}}}",
        "1:31: api.auth.sigv4: must be text, not a list",
    ),
    (
        "F env: {PW: [hunter2]}}}\nQ",
        "1:59: functions.f.env: must be text, not a list",
    ),
    (
        "F env: {hunter2: 5}}}\nQ",
        "1:64: functions.f.env: must be text, not an integer",
    ),
    (
        "H headers: {X: {hunter2: 1}}}}\nQ",
        "1:72: functions.f.headers: must be text, not a map",
    ),
    // Keys and values that changed places, or came twice.
    (
        "api: {auth: {hunter2: bearer}}",
        "1:14: api.auth: unknown key; known are sigv4, bearer",
    ),
    (
        "api: {auth: {baerer: hunter2}}",
        "1:14: api.auth: unknown key; did you mean bearer?",
    ),
    (
        "api: {auth: {bearerhunter2: x}}",
        "1:14: api.auth: unknown key",
    ),
    (
        "api: {auth: {bearer: hunter2, bearer: hunter2}}",
        "1:31: api.auth: a key may not come twice; it is in line 1",
    ),
    (
        "api: {auth: {sigv4: {hunter2: a, hunter2: b}}}",
        "1:34: api.auth: a key may not come twice",
    ),
    (
        "api: {auth: {bearer: hunter2}, auth: {bearer: hunter2}}",
        "1:32: api.auth: a key may not come twice",
    ),
    (
        "F env: {hunter2: a, hunter2: b}}}\nQ",
        "1:67: functions.f.env: a key may not come twice",
    ),
    (
        "H headers: {hunter2: a, hunter2: b}}}\nQ",
        "1:81: functions.f.headers: a key may not come twice",
    ),
    (
        "secrets: {hunter2: a, hunter2: b}",
        "1:23: secrets: a key may not come twice",
    ),
    (
        "F env: {'PW=hunter2': ''}}}\nQ",
        "1:55: functions.f.env: must be a name without =",
    ),
    (
        "H headers: {'Bearer hunter2': Authorization}}}\nQ",
        "1:69: functions.f.headers: a header has a name with",
    ),
    (
        "H headers: {'Authorization: hunter2': ''}}}\nQ",
        "1:69: functions.f.headers: a header has a name with",
    ),
    (
        "H headers: {X: \"hunter2\\n\"}}}\nQ",
        "1:69: functions.f.headers: a header has a value with",
    ),
    (
        "H headers: {Host: hunter2}}}\nQ",
        "1:69: functions.f.headers: a header is set by the client itself; leave out Host",
    ),
    (
        "F 'PW=hunter2': x}}\nQ",
        "1:49: functions.f: unknown key; known are",
    ),
    (
        "H 'Authorization: hunter2': ''}}\nQ",
        "1:59: functions.f: unknown key; known are",
    ),
    (
        "functions: {'http://me:hunter2@h/': {backend: simulated}}\nQ",
        "1:13: functions: is no name of a function; use letters",
    ),
    // URLs.
    (
        "functions: {f: {backend: http, url: 'http://me:hunter2@h/'}}\nQ",
        "1:37: functions.f.url: http://h/ is refused: leave out user",
    ),
    (
        "functions: {f: {backend: http, url: 'http://me:hunter2@h o/'}}\nQ",
        "1:37: functions.f.url: http://h o/ is refused",
    ),
    (
        "functions: {f: {backend: http, url: 'http//me:hunter2@h/'}}\nQ",
        "1:37: functions.f.url: (not shown) is refused",
    ),
    (
        "functions: {f: {backend: http, url: 'http:/me:hunter2@h/'}}\nQ",
        "1:37: functions.f.url: (not shown) is refused",
    ),
    (
        "functions: {f: {backend: http, url: 'https://h/f?code=hunter2'}}\nQ",
        "1:37: functions.f.url: https://h/f is refused",
    ),
    (
        "functions: {f: {backend: lambda-api, endpoint: 'ftp://h/?hunter2'}}\nQ",
        "1:48: functions.f.endpoint: endpoint `ftp://h/` must",
    ),
    (
        "endpoints: {sqs: 'me:hunter2@h'}\nQ",
        "1:18: endpoints.sqs: endpoint `(not shown)` must",
    ),
    (
        "endpoints: {aws: 'http://h/?key=hunter2'}\nQ",
        "1:18: endpoints.aws: endpoint `http://h/` must have no query",
    ),
    (
        "endpoints: {'http://me:hunter2@h': sqs}\nQ",
        "1:13: endpoints: unknown key; known are",
    ),
    (
        "endpoints: {arns: {'http://me:hunter2@h': x}}\nQ",
        "1:20: endpoints.arns: must be the ARN",
    ),
    (
        "region: 'http://me:hunter2@h'\nQ",
        "1:9: region is \"http://h\": must be a Region",
    ),
    // Used elsewhere.
    (
        "api: {auth: {bearer: &t hunter2/}}\nregion: *t",
        "2:9: region: must be a Region",
    ),
    (
        "x: &t hunter2/\napi: {auth: {bearer: *t}}\nregion: *t",
        "3:9: region: must be a Region",
    ),
    (
        "x: &t {hunter2: 1}\napi: {auth: *t}",
        "2:13: api.auth: unknown key",
    ),
    (
        "x: &t {hunter2: 1}\napi: {auth: {<<: *t}}",
        "2:18: api.auth: unknown key",
    ),
    (
        "F env: {PW: &t hunter2}}}\nmappings: [{EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:q', FunctionName: *t}]",
        "2:83: mappings[0].FunctionName: is refused, and why would repeat what stands under a secret key",
    ),
    (
        "F env: {PW: &t hunter2}}}\nmappings: [{EventSourceArn: *t, FunctionName: f, BatchSize: *t}]",
        "2:61: mappings[0].BatchSize: is no value for this",
    ),
    // No YAML.
    (
        "api:\n  auth: bearer: hunter2",
        "2:15: cannot be read as YAML: there is a second `: ` in the line",
    ),
    (
        "api:\n  auth: {bearer: \"hunter2}",
        ": cannot be read as YAML: quotes do not match",
    ),
    (
        "api: {auth: {bearer: *hunter2}}",
        "1:22: cannot be read as YAML: an alias names no anchor",
    ),
    (
        "api: {auth: {bearer: hunter2}",
        ": cannot be read as YAML: ",
    ),
];

/// Returns the file with its abbreviations written out.
fn written_out(text: &str) -> String {
    let process = "functions: {f: {backend: process, command: [a],";
    let http = "functions: {f: {backend: http, url: 'http://127.0.0.1:1',";
    let mapping =
        "mappings: [{EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:q', FunctionName: f}]";
    let lines = text.lines().map(|line| match line.split_once(' ') {
        _ if line == "Q" => mapping.to_owned(),
        Some(("F", rest)) => format!("{process} {rest}"),
        Some(("H", rest)) => format!("{http} {rest}"),
        _ => line.to_owned(),
    });
    lines.map(|line| line + "\n").collect()
}

#[test]
fn no_error_of_a_faulty_file_shows_a_secret_and_each_says_where_and_what_to_do() {
    let mut wrong = Vec::new();
    for (index, (text, told)) in FAULTY.into_iter().enumerate() {
        let path = file(&format!("faulty-{index}.yaml"), &written_out(text));
        let said = lambda_esm(&["check", &path]);
        let as_json = lambda_esm(&["check", "--json", &path]);
        let all = format!("{said:?}{as_json:?}");
        let places = format!("error: {path}:");
        let is_whole = |line: &str| line.starts_with(&places);
        let fits = said.err.contains(&format!("{path}:{told}"))
            || told.starts_with(": ") && said.err.contains(told);
        if all.contains("hunter2") || !fits || !said.err.lines().all(is_whole) {
            wrong.push(format!("{text}\n  wanted {told}\n  said {}", said.err));
        }
        if (said.code, as_json.code) != (2, 2) {
            wrong.push(format!("{text}: exit codes {} {}", said.code, as_json.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the warnings of `check` about a file with this mode.
fn warnings(name: &str, text: &str, mode: u32) -> Vec<String> {
    let path = file(name, text);
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let said = lambda_esm(&["check", "--json", &path]);
    assert_eq!(said.code, 0, "{said:?}");
    let warnings = said.json()[0]["warnings"].as_array().unwrap().clone();
    let text = |warning: &serde_json::Value| warning.as_str().unwrap().to_owned();
    warnings.iter().map(text).collect()
}

#[test]
fn secrets_that_others_can_read_are_warned_of() {
    for (index, (text, held)) in [
        ("api: {auth: {bearer: hunter2}}", Some("api.auth")),
        ("api: {auth: {sigv4: {AKID: hunter2}}}", Some("api.auth")),
        ("api: {}", None),
        (
            "F env: {DB_PASSWORD: hunter2}}}\nQ",
            Some("functions.f.env"),
        ),
        ("F env: {LOG_LEVEL: debug}}}\nQ", None),
        (
            "H headers: {Authorization: hunter2}}}\nQ",
            Some("functions.f.headers"),
        ),
        (
            "functions: {f: {backend: http, url: 'http://h/?code=hunter2'}}\nQ",
            Some("functions.f.url"),
        ),
        ("functions: {f: {backend: http, url: 'http://h/'}}\nQ", None),
    ]
    .into_iter()
    .enumerate()
    {
        for (mode, is_open) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
            let name = format!("readable-{index}-{mode:o}.yaml");
            let found = warnings(&name, &written_out(text), mode);
            let wanted = held.filter(|_| is_open);
            assert_eq!(
                found.len(),
                usize::from(wanted.is_some()),
                "{text} {mode:o}: {found:?}"
            );
            for (warning, held) in found.iter().zip(wanted) {
                let told = format!(
                    "holds secrets ({held}), and others on this machine may read it; chmod 600 "
                );
                assert!(
                    warning.contains(&told) && !warning.contains("hunter2"),
                    "{warning}"
                );
            }
        }
    }
}

#[test]
fn state_that_everybody_may_change_is_warned_of_also_by_a_running_daemon() {
    let path = file(
        "writable.yaml",
        "state_dir: writable\napi: {listen: '127.0.0.1:0'}\n",
    );
    let folder = std::path::Path::new(&path).with_file_name("writable");
    fs::create_dir_all(&folder).unwrap();
    for (mode, is_open) in [
        (0o777, true),
        (0o1777, true),
        (0o770, false),
        (0o700, false),
    ] {
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        let said = lambda_esm(&["check", &path]);
        let told = format!(
            "  warning: state_dir: everybody on this machine may change {}, and",
            folder.display()
        );
        assert_eq!(said.out.contains(&told), is_open, "{mode:o}: {}", said.out);
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let daemon = Daemon::start(&[&path]);
    wait_for(&daemon.err, |line| {
        line.contains("WARN state_dir: everybody on this machine")
    });
    daemon.signal("-TERM");
    assert_eq!(daemon.code_in_time(), Some(0));
}

#[test]
fn a_limit_of_open_files_that_is_too_low_for_what_is_configured_is_warned_of() {
    let functions = "functions: {f: {backend: process, command: [a], concurrency: 50}}\nQ";
    let path = file("many-files.yaml", &written_out(functions));
    for (limit, is_low) in [("-n 500", true), ("-n 1000", false), ("-Sn 500", false)] {
        let check = command_after(&format!("ulimit {limit}"), &["check", &path])
            .output()
            .unwrap();
        let out = String::from_utf8(check.stdout).unwrap();
        let told =
            "warning: only 500 files may be open, and all that is configured may need some 928";
        assert_eq!(out.contains(told), is_low, "{limit}: {out}");
    }
}
