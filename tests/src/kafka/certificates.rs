//! The certificates and keys of the tests.

use std::fs;
use std::path::PathBuf;

use crate::servers::variable;

/// The folder of certificates and keys; `servers/kafka/certificates` says what each file is.
#[derive(Clone, Debug)]
pub struct Certificates(PathBuf);

impl Certificates {
    /// Returns them, or says that the test is skipped.
    #[must_use]
    pub fn find() -> Option<Self> {
        variable("LAMBDA_ESM_TEST_KAFKA_CERTS").map(|folder| Self(folder.into()))
    }

    /// Returns the path of a file.
    ///
    /// # Panics
    /// Panics if there is none of that name.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        let path = self.0.join(name);
        assert!(path.is_file(), "{} is missing", path.display());
        path.to_str().unwrap().to_owned()
    }

    /// Returns what a file holds, in PEM.
    ///
    /// # Panics
    /// Panics if there is none of that name.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}
