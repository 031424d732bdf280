//! Exit codes and messages of wrong usage, and help.

use std::process::Stdio;

use crate::support::{command, file, lambda_esm};

#[test]
fn an_unknown_command_or_option_is_wrong_usage() {
    for arguments in [
        &["polll"][..],
        &[],
        &["run", "--thraeds", "1"],
        &["run", "--threads", "0"],
        &["mappings"],
        &["mappings", "create"],
        &[
            "mappings",
            "create",
            "--source",
            "arn:aws:sqs:us-east-1:000000000000:q",
        ],
        &["mappings", "update", "91eaeb7e"],
        &["mappings", "update", "91eaeb7e", "--set", "BatchSize"],
        &["mappings", "get", "no/uuid"],
        &["mappings", "--endpoint", "https://h", "list"],
        &["top", "--endpoint", "h"],
    ] {
        let said = lambda_esm(arguments);
        assert_eq!(said.code, 64, "{arguments:?}: {said:?}");
        assert!(said.out.is_empty() && !said.err.is_empty(), "{said:?}");
    }
}

#[test]
fn help_shows_examples_and_exit_codes_on_standard_output() {
    for arguments in [
        &["--help"][..],
        &["run", "--help"],
        &["check", "--help"],
        &["mappings", "--help"],
        &["top", "--help"],
        &["filter", "test", "--help"],
    ] {
        let said = lambda_esm(arguments);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(
            said.out.contains("Examples:") && said.out.contains("Exit codes:"),
            "{}",
            said.out
        );
    }
}

#[test]
fn the_version_is_the_packages() {
    let said = lambda_esm(&["--version"]);
    assert_eq!(
        said.out,
        format!("lambda-esm {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn run_refuses_a_configuration_with_its_own_exit_code() {
    let path = file("run-refuses.yaml", "region: us-east-1\ncolour: red\n");
    let said = lambda_esm(&["run", &path]);
    assert_eq!(said.code, 78, "{said:?}");
    assert!(
        said.err
            .contains(&format!("error: {path}:2:1: colour: unknown key")),
        "{}",
        said.err
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let said = lambda_esm(&["run", "/nowhere/my.yaml"]);
    assert_eq!(said.code, 78);
    assert!(
        said.err
            .starts_with("error: /nowhere/my.yaml: cannot be read: "),
        "{}",
        said.err
    );
}

#[test]
fn a_log_filter_that_makes_no_sense_is_wrong_usage() {
    let output = command(&["run", "/nowhere/my.yaml"])
        .env("RUST_LOG", "x=loud")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("RUST_LOG is \"x=loud\"")
    );
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let mut child = command(&["filter", "test", "--pattern", r#"{"a": [1]}"#])
        .args(std::iter::repeat_n(["--event", "{}"], 5_000).flatten())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
