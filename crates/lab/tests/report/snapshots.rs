//! Texts that are kept, to see what changes.

use std::path::Path;

/// Compares with a kept text; with `LAMBDA_ESM_KEEP_SNAPSHOTS` set, keeps what there is instead.
pub(crate) fn same(name: &str, seen: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/report/snapshots")
        .join(name);
    if std::env::var_os("LAMBDA_ESM_KEEP_SNAPSHOTS").is_some() {
        std::fs::write(&file, seen).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == seen,
        "{name} is not what was kept; it is now:\n{seen}"
    );
}
