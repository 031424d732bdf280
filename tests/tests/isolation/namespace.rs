//! A network of a test's own: this machine, the metadata services' addresses, and names that all lead here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const INSIDE: &str = "LAMBDA_ESM_TEST_NAMESPACE";

/// Runs the test `name` again in namespaces of its own; whatever it starts there ends with it. Returns a folder
/// there, where the profile's files may be, and nothing outside or if it is skipped.
pub(crate) fn enter(name: &str) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(INSIDE) {
        let folder = PathBuf::from(folder);
        prepare(&folder);
        return Some(folder);
    }
    let flags = "--net --mount --pid --fork --mount-proc --kill-child";
    let mut unshare = Command::new("unshare");
    unshare.args(flags.split(' '));
    if !rustix::process::geteuid().is_root() {
        unshare.arg("--map-root-user");
    }
    let possible = unshare.arg("ip").args(["link", "set", "lo", "up"]).output();
    match possible {
        Ok(output) if output.status.success() => {}
        failed => {
            println!("skipped: no network namespace by `unshare {flags}` and `ip`: {failed:?}");
            return None;
        }
    }
    let folder = std::env::temp_dir().join(format!("lambda-esm-{}", uuid::Uuid::new_v4()));
    fs::create_dir(&folder).unwrap();
    let arguments: Vec<_> = unshare.get_args().map(ToOwned::to_owned).collect();
    let end = arguments.len() - 5;
    let status = Command::new("unshare")
        .args(&arguments[..end])
        .arg(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(INSIDE, &folder)
        .status()
        .unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert!(status.success(), "failed in its namespace: {status}");
    None
}

fn prepare(folder: &Path) {
    run("ip", "link set lo up");
    for address in ["169.254.169.254/32", "169.254.170.2/32"] {
        run("ip", &format!("address add {address} dev lo"));
    }
    let resolver = folder.join("resolv.conf");
    fs::write(&resolver, "nameserver 127.0.0.1\n").unwrap();
    run(
        "mount",
        &format!("--bind {} /etc/resolv.conf", resolver.display()),
    );
}

fn run(program: &str, arguments: &str) {
    let status = Command::new(program).args(arguments.split(' ')).status();
    assert!(status.unwrap().success(), "{program} {arguments}");
}
