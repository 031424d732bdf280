//! Templates that cannot be read say where, why, and what to do.

use lambda_esm_lab::import::{ImportProblem, ImportSettings, import};

use super::{problems, template};

/// Each bad template, the line and the field at fault, and a part of the reason.
const BAD: [(&str, Option<usize>, &str, &str); 14] = [
    (
        "truncated.yaml",
        Some(10),
        "Resources.Ship.Properties.Events.Orders.Properties.FilterCriteria",
        "cannot be read as YAML or JSON",
    ),
    (
        "truncated.json",
        Some(5),
        "",
        "cannot be read as YAML or JSON",
    ),
    (
        "unknown-tag.yaml",
        Some(8),
        "Resources.M.Properties.FunctionName",
        "the tag !Reff is no function of CloudFormation",
    ),
    (
        "unknown-ref.yaml",
        Some(7),
        "Resources.M.Properties.EventSourceArn",
        "there is no resource \"Ordres\"",
    ),
    (
        "circle.yaml",
        Some(5),
        "Resources.A.Properties.QueueName",
        "refers to itself: B → A → B",
    ),
    (
        "circle-of-conditions.yaml",
        Some(4),
        "Conditions.Two",
        "refers to itself: One → Two → One",
    ),
    (
        "wrong-types.yaml",
        Some(6),
        "Resources.Ship.Properties.Events",
        "must be a map of events by name, not a list",
    ),
    (
        "resources-list.yaml",
        Some(2),
        "Resources",
        "must be a map, not a list",
    ),
    (
        "event-type.yaml",
        Some(7),
        "Resources.Ship.Properties.Events.Orders.Type",
        "is no type of event",
    ),
    ("no-mapping.yaml", None, "", "has no event source mapping"),
    (
        "too-many-aliases.yaml",
        Some(9),
        "Resources.Bomb.Properties.e",
        "aliases repeat more than",
    ),
    (
        "same-key.yaml",
        Some(8),
        "Resources.M.Properties.BatchSize",
        "the key is in line 6 already",
    ),
    (
        "serverless-circle.yml",
        Some(11),
        "functions.f.events[0].sqs",
        "a variable names itself",
    ),
    ("empty.yaml", None, "", "is empty"),
];

#[test]
fn a_bad_template_says_its_line_its_field_the_reason_and_the_way_out() {
    for (name, line, path, reason) in BAD {
        let problems =
            import(&template(&format!("bad/{name}")), &ImportSettings::new()).unwrap_err();
        let found = &problems[0];
        assert_eq!(found.line, line, "{name}: {found}");
        assert!(found.path.starts_with(path), "{name}: {found}");
        assert!(found.reason.contains(reason), "{name}: {found}");
        assert!(found.way_out.len() > 5, "{name}: {found}");
    }
}

#[test]
fn what_is_nested_too_deep_is_refused_before_it_is_read() {
    for (open, close) in [("[", "]"), ("{\"a\": ", "}")] {
        let text = format!(
            "{{\"Resources\": {}1{}}}",
            open.repeat(5_000),
            close.repeat(5_000)
        );
        let found = one(problems(&text));
        assert_eq!(found.line, Some(1));
        assert!(found.way_out.contains("not nested so deep"), "{found}");
    }
    let mut text = "Resources:\n".to_owned();
    for level in 1..200 {
        text.push_str(&format!("{}a:\n", " ".repeat(level)));
    }
    assert!(one(problems(&text)).way_out.contains("not nested so deep"));
}

#[test]
fn what_is_no_text_is_refused() {
    for bytes in [
        &b"PK\x03\x04\x00\x00"[..],
        &[0xff, 0xfe, 0x00],
        b"Resources:\n  a: \0\n",
    ] {
        let found = one(import(bytes, &ImportSettings::new()).unwrap_err());
        assert!(found.reason.contains("no text in UTF-8"), "{found}");
        assert!(found.way_out.contains("YAML or JSON"), "{found}");
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let mut text = "Resources: {}\n".to_owned();
    text.push_str(&"# padding\n".repeat(500_000));
    let found = one(problems(&text));
    assert!(found.reason.contains("larger than"), "{found}");
}

#[test]
fn what_is_no_template_is_told_what_would_be_one() {
    for text in ["hello", "[1, 2]", "name: something else"] {
        let found = one(problems(text));
        assert_eq!(found.line, Some(1), "{found}");
        assert!(found.way_out.contains("serverless.yml"), "{found}");
    }
}

#[test]
fn a_file_of_terraforms_state_is_told_how_to_become_a_template() {
    let found = &problems(r#"{"version": 4, "terraform_version": "1.9.8", "resources": []}"#)[0];
    assert!(found.way_out.contains("terraform show -json"), "{found}");
}

#[test]
fn a_template_whose_mappings_are_all_refused_says_why_of_each() {
    let text = "Resources:\n  M:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties:\n      EventSourceArn: arn:aws:sns:us-east-1:000000000000:topic\n      FunctionName: f\n";
    let found = problems(text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[1].line, Some(2));
    assert!(
        found[1].reason.contains("Unrecognized event source"),
        "{}",
        found[1]
    );
}

#[test]
fn all_problems_are_told_at_once() {
    let text = "Resources:\n  M:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties:\n      EventSourceArn: !GetAtt Nowhere.Arn\n      FunctionName: !Ref Nobody\n";
    let found = problems(text);
    let lines: Vec<Option<usize>> = found.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [Some(5), Some(6)]);
}

fn one(problems: Vec<ImportProblem>) -> ImportProblem {
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.into_iter().next().unwrap()
}
