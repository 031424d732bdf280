//! `import`: what goes where, and how it ends.

use serde_json::Value;

use crate::support::{file, lambda_esm, lambda_esm_with};

const TEMPLATE: &str = "\
Parameters:
  Name: { Type: String }
Resources:
  M:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !Sub \"arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Name}\"
      FunctionName: ship
      BatchSize: 5
";

#[test]
fn a_configuration_is_written_and_what_is_not_known_is_told_apart_from_it() {
    let template = file("import-plain.yaml", TEMPLATE);
    let said = lambda_esm(&["import", &template]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.out
            .contains("arn:aws:sqs:us-east-1:000000000000:UNRESOLVED-Name"),
        "{}",
        said.out
    );
    assert!(said.out.contains("backend: simulated"), "{}", said.out);
    let told = format!("{template}:7: Resources.M.Properties.EventSourceArn");
    assert!(said.err.contains(&told), "{}", said.err);
    assert!(
        said.err.contains("give it by --parameter Name=VALUE"),
        "{}",
        said.err
    );
}

#[test]
fn what_is_carried_whole_says_nothing_more() {
    let template = file("import-whole.yaml", TEMPLATE);
    let place = ["--region", "eu-west-1", "--account", "111122223333"];
    let said = lambda_esm(
        &[
            &["import", &template, "--parameter", "Name=orders"],
            &place[..],
        ]
        .concat(),
    );
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(
        said.out
            .contains("arn:aws:sqs:eu-west-1:111122223333:orders"),
        "{}",
        said.out
    );
}

#[test]
fn standard_input_is_read_and_everything_is_one_object_of_json() {
    let said = lambda_esm_with(&["import", "-", "--json"], TEMPLATE);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let found: &Value = &said.json()[0];
    assert_eq!(found["format"], "cloud-formation");
    assert_eq!(found["mappings"][0]["request"]["BatchSize"], 5);
    assert_eq!(found["functions"][0]["name"], "ship");
    assert_eq!(found["sources"][0]["kind"], "queue");
    assert_eq!(found["not_carried"][0]["line"], 7);
}

#[test]
fn a_file_that_is_there_is_not_written_over() {
    let template = file("import-twice.yaml", TEMPLATE);
    let output = format!("{template}.scenario");
    let arguments = ["import", &template, "--scenario", "--output", &output];
    let first = lambda_esm(&arguments);
    assert_eq!((first.code, first.out.as_str()), (0, ""), "{}", first.err);
    let written = std::fs::read_to_string(&output).unwrap();
    assert!(written.contains("arrivals: 10/s"), "{written}");
    let second = lambda_esm(&arguments);
    assert_eq!(second.code, 1);
    assert!(
        second.err.contains("name another file, or remove this one"),
        "{}",
        second.err
    );
    assert_eq!(std::fs::read_to_string(&output).unwrap(), written);
}

#[test]
fn a_template_that_cannot_be_read_says_where_why_and_what_to_do() {
    let template = file("import-bad.yaml", &TEMPLATE.replace("${Name}", "${Nmae}"));
    let said = lambda_esm(&["import", &template]);
    assert_eq!((said.code, said.out.as_str()), (78, ""));
    let expected = format!(
        "error: {template}:7:28: Resources.M.Properties.EventSourceArn is \
         \"arn:aws:sqs:${{AWS::Region}}:${{AWS::AccountId}}:${{Nmae}}\": there is no parameter and no resource \"Nmae\" in \
         the template; see to its spelling, or add it\n"
    );
    assert_eq!(said.err, expected);
}

#[test]
fn wrong_usage_ends_with_64() {
    for arguments in [
        &["import"][..],
        &["import", "t.yaml", "--format", "pulumi"],
        &["import", "t.yaml", "--parameter", "Name"],
        &["import", "t.yaml", "--account", "12"],
        &["import", "t.yaml", "--region", "US East"],
        &["import", "t.yaml", "--json", "--scenario"],
    ] {
        assert_eq!(lambda_esm(arguments).code, 64, "{arguments:?}");
    }
    let said = lambda_esm(&["import", "/nonexistent/t.yaml"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("cannot be read"), "{}", said.err);
}
