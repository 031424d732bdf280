//! The ways into a broker.

use crate::servers::variable;

/// A listener of a broker; `servers/kafka/broker` says what each asks of a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(usize)]
pub enum Listener {
    /// No encryption, no login, everything allowed.
    Plaintext,
    /// PLAIN, SCRAM and OAUTHBEARER without encryption.
    SaslPlaintext,
    /// The same over TLS.
    SaslSsl,
    /// TLS with a client certificate.
    Mtls,
    /// TLS without.
    Tls,
    /// The tokens of Amazon MSK's IAM over TLS.
    MskIam,
}

impl Listener {
    /// All, in the order in which `servers/kafka/broker` takes their ports.
    pub const ALL: [Self; 6] = [
        Self::Plaintext,
        Self::SaslPlaintext,
        Self::SaslSsl,
        Self::Mtls,
        Self::Tls,
        Self::MskIam,
    ];

    /// Returns its address at the broker that all tests share, as `HOST:PORT`; or says that the test is skipped.
    #[must_use]
    pub fn shared(self) -> Option<String> {
        variable(match self {
            Self::Plaintext => "LAMBDA_ESM_TEST_KAFKA",
            Self::SaslPlaintext => "LAMBDA_ESM_TEST_KAFKA_SASL_PLAINTEXT",
            Self::SaslSsl => "LAMBDA_ESM_TEST_KAFKA_SASL_SSL",
            Self::Mtls => "LAMBDA_ESM_TEST_KAFKA_MTLS",
            Self::Tls => "LAMBDA_ESM_TEST_KAFKA_TLS",
            Self::MskIam => "LAMBDA_ESM_TEST_KAFKA_MSK_IAM",
        })
    }
}
