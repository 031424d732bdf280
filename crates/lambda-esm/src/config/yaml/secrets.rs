//! What is secret in a file: all below certain keys, the keys there too, and whatever an alias brings there.

use std::collections::HashSet;

use super::location::Location;
use super::tree::{Node, Value};

/// What stands under these keys, wherever they are, is secret: values and keys.
const SECRETS: [&str; 4] = ["auth", "secrets", "env", "headers"];

/// Marks all that is secret.
pub(super) fn mark(root: &mut Node) {
    let mut written = HashSet::new();
    root.gather_secrets(false, &mut written);
    root.mark_secrets(&written);
}

impl Node {
    /// Notes where everything is written that stands under a secret key.
    fn gather_secrets(&self, is_secret: bool, written: &mut HashSet<Location>) {
        if is_secret {
            written.insert(self.written);
        }
        match &self.value {
            Value::List(items) => {
                items
                    .iter()
                    .for_each(|item| item.gather_secrets(is_secret, written));
            }
            Value::Map(members) => {
                for member in members {
                    if is_secret {
                        written.insert(member.written);
                    }
                    let named = |key: &&str| member.key.trim().eq_ignore_ascii_case(key);
                    let is_secret = is_secret || SECRETS.iter().any(named);
                    member.node.gather_secrets(is_secret, written);
                }
            }
            _ => {}
        }
    }

    /// Marks everything that is written there, and all that is inside.
    fn mark_secrets(&mut self, written: &HashSet<Location>) {
        self.is_secret = written.contains(&self.written);
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.mark_secrets(written)),
            Value::Map(members) => {
                for member in members {
                    member.is_secret = written.contains(&member.written);
                    member.node.mark_secrets(written);
                }
            }
            _ => {}
        }
    }
}
