//! The ready-to-run configurations.

use std::path::PathBuf;

use crate::support::lambda_esm;

#[test]
fn every_ready_to_run_configuration_is_valid() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let mut checked = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            let said = lambda_esm(&["check", path.to_str().unwrap()]);
            assert_eq!(said.code, 0, "{}", said.err);
            checked.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    checked.sort();
    assert_eq!(
        checked,
        ["simulated.yaml", "sqs-lambda-api.yaml", "sqs-process.yaml"]
    );
}
