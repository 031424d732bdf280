//! Certificates and keys, made by OpenSSL's command once for all tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The password of the encrypted keys.
pub(crate) const PASSWORD: &str = "opensesame";

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = folder.join(format!("kafka-auth-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let script = "
        set -e
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout ca.key -out ca.pem -subj /CN=test-ca \
            -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout other-ca.key -out other-ca.pem -subj /CN=other-ca
        for n in server client; do
            openssl req -newkey rsa:2048 -nodes -keyout $n.key -out $n.csr -subj /CN=$n
            printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\nextendedKeyUsage=serverAuth,clientAuth\\n' >$n.ext
            openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile $n.ext -out $n.pem
        done
        openssl rsa -in client.key -traditional -out client-pkcs1.key
        openssl rsa -in client.key -pubout -out client-public.pem
        openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES -in client.key -out client-pbes1.key -passout pass:$PASSWORD
        openssl pkcs8 -topk8 -v2 aes-256-cbc -in client.key -out client-pbes2.key -passout pass:$PASSWORD
        openssl ecparam -name prime256v1 -genkey -noout -out ec.key
    ";
    let made = Command::new("bash")
        .args(["-c", script])
        .env("PASSWORD", PASSWORD)
        .current_dir(&folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
    folder
});

/// Returns the text of a file, such as `client.pem`.
pub(crate) fn pem(name: &str) -> String {
    std::fs::read_to_string(FOLDER.join(name)).unwrap()
}

/// Has OpenSSL check an RS256 signature of the client's key.
pub(crate) fn is_signed_by_client(data: &[u8], signature: &[u8], name: &str) -> bool {
    let path = |what: &str| FOLDER.join(format!("{name}.{what}"));
    std::fs::write(path("data"), data).unwrap();
    std::fs::write(path("signature"), signature).unwrap();
    let checked = Command::new("openssl")
        .args([
            "dgst",
            "-sha256",
            "-verify",
            "client-public.pem",
            "-signature",
        ])
        .args([path("signature"), path("data")])
        .current_dir(&*FOLDER)
        .output()
        .unwrap();
    checked.status.success()
}
