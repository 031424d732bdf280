//! Configuration files. The first byte says how the rest is used: as a file, or as the shape of what stands under a
//! key whose values are secret.
#![no_main]
#![expect(
    dead_code,
    unused_imports,
    reason = "only what reads the configuration is of use here"
)]

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

#[path = "../../crates/lambda-esm/src/config/mod.rs"]
mod config;

/// Stands in every text under a secret key.
const SECRET: &str = "zq7";

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else {
        return;
    };
    if !(b'0'..=b'4').contains(kind) {
        let file = String::from_utf8_lossy(input);
        read(&file);
        return;
    }
    let secret = Shape(rest.iter()).value(4);
    let file = match kind {
        b'0' => json!({ "api": { "auth": secret }, "mappings": [] }),
        b'1' => json!({ "secrets": secret, "mappings": [] }),
        b'2' => {
            json!({ "functions": { "f": { "command": ["x"], "env": secret } }, "mappings": [] })
        }
        b'3' => {
            json!({ "functions": { "f": { "url": "http://h/", "headers": secret } }, "mappings": [] })
        }
        _ => json!({ "api": { "auth": { "bearer": secret, "sigv4": secret } }, "mappings": [] }),
    };
    let words = read(&file.to_string());
    assert!(!words.contains(SECRET), "{file}\n{words}");
});

/// Returns all that is said of a file.
fn read(file: &str) -> String {
    match config::Configuration::parse("f.yaml", file) {
        Ok(_) => String::new(),
        Err(problems) => {
            let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
            words.join("\n")
        }
    }
}

/// Makes a value of bytes.
struct Shape<'a>(std::slice::Iter<'a, u8>);

impl Shape<'_> {
    fn value(&mut self, depth: usize) -> Value {
        let Some(byte) = self.0.next() else {
            return SECRET.into();
        };
        let count = usize::from(byte / 8 % 4);
        match byte % 8 {
            0 if depth > 0 => (0..count).map(|_| self.value(depth - 1)).collect(),
            1 | 2 if depth > 0 => {
                let members = (0..count).map(|_| (self.key(), self.value(depth - 1)));
                Value::Object(members.collect())
            }
            _ => format!("{}{SECRET}{}", self.text(), self.text()).into(),
        }
    }

    fn key(&mut self) -> String {
        const KEYS: [&str; 12] = [
            "bearer",
            "sigv4",
            "token",
            "id",
            "secret",
            "none",
            "PW",
            "Authorization",
            "type",
            "a",
            "access_key",
            "X=y",
        ];
        match self.0.next() {
            Some(byte) if byte % 16 < 12 => KEYS[usize::from(byte % 16)].to_owned(),
            _ => self.text(),
        }
    }

    fn text(&mut self) -> String {
        let count = usize::from(self.0.next().copied().unwrap_or_default() % 8);
        let bytes: Vec<u8> = self.0.by_ref().take(count).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
