//! Profiles that have their credentials from somewhere else, and some that are broken.

use std::fs;
use std::path::Path;

/// The profiles; `FOLDER` is where their files are.
const PROFILES: &str = r#"
[profile sso]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = admin
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = us-east-1
[profile process]
credential_process = FOLDER/process
[profile login]
login_session = arn:aws:iam::111122223333:user/me
[profile role]
role_arn = arn:aws:iam::111122223333:role/r
source_profile = keys
[profile keys]
aws_access_key_id = AKIDPROFILE
aws_secret_access_key = x
[profile instance]
role_arn = arn:aws:iam::111122223333:role/r
credential_source = Ec2InstanceMetadata
[profile container]
role_arn = arn:aws:iam::111122223333:role/r
credential_source = EcsContainer
[profile token]
role_arn = arn:aws:iam::111122223333:role/r
web_identity_token_file = FOLDER/token
[profile lost-token]
role_arn = arn:aws:iam::111122223333:role/r
web_identity_token_file = FOLDER/nothing
[profile half]
aws_access_key_id = AKIDHALF
[profile variants]
use_fips_endpoint = true
use_dualstack_endpoint = true
"#;

const PROCESS: &str = r#"#!/bin/sh
touch FOLDER/process-ran
echo '{"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "x"}'
"#;

/// A token of the SSO session `corp`; the file is named by the SHA-1 of that.
const SSO_TOKEN: (&str, &str) = (
    ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json",
    r#"{"accessToken": "token", "expiresAt": "2099-01-01T00:00:00Z"}"#,
);

/// Writes the profiles and what belongs to them into `folder`, the home of whoever uses them. `more` is added
/// to the profiles.
pub(crate) fn write(folder: &Path, more: &str) {
    let home = folder.to_str().unwrap();
    let write = |name: &str, text: &str| {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text.replace("FOLDER", home)).unwrap();
        file
    };
    write(".aws/config", &format!("{PROFILES}{more}"));
    write("token", "web identity");
    write(SSO_TOKEN.0, SSO_TOKEN.1);
    let process = write("process", PROCESS);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(process, executable).unwrap();
}

/// Tells whether the process of profile `process` ran, and forgets it.
pub(crate) fn process_ran(folder: &Path) -> bool {
    fs::remove_file(folder.join("process-ran")).is_ok()
}
