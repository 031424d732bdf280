//! The enumerations of the API.

/// Defines an enumeration of the API: its members, their text on the wire and the way back.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$member_doc:meta])* $member:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$member_doc])* $member,)+ }

        impl $name {
            /// The members as the wire spells them.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// Reads a member; `None` if there is none of that name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$member),)+ _ => None }
            }

            /// Returns the member as the wire spells it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$member => $text,)+ }
            }
        }
    };
}

wire_enum! {
    /// A group of metrics (Lambda developer guide, event source mapping metrics).
    Metric {
        /// Events polled, filtered, invoked, failed, dropped, deleted.
        EventCount = "EventCount",
        /// Errors of polling, invoking and committing; Kafka.
        ErrorCount = "ErrorCount",
        /// Offset lag; Kafka.
        KafkaMetrics = "KafkaMetrics",
    }
}

wire_enum! {
    /// How much a mapping logs.
    LogLevel {
        /// Everything.
        Debug = "DEBUG",
        /// The usual.
        Info = "INFO",
        /// Trouble only.
        Warn = "WARN",
    }
}

wire_enum! {
    /// What an update event of DocumentDB carries.
    FullDocument {
        /// The whole document as it is when read.
        UpdateLookup = "UpdateLookup",
        /// The changed fields.
        Default = "Default",
    }
}

wire_enum! {
    /// The kinds of source access (Lambda API reference, `SourceAccessConfiguration`).
    AccessKind {
        /// User name and password: SASL/PLAIN, Amazon MQ, DocumentDB.
        BasicAuth = "BASIC_AUTH",
        /// A subnet of the cluster's VPC.
        VpcSubnet = "VPC_SUBNET",
        /// A security group of the cluster's VPC.
        VpcSecurityGroup = "VPC_SECURITY_GROUP",
        /// SASL/SCRAM with SHA-512.
        SaslScram512Auth = "SASL_SCRAM_512_AUTH",
        /// SASL/SCRAM with SHA-256.
        SaslScram256Auth = "SASL_SCRAM_256_AUTH",
        /// RabbitMQ's virtual host.
        VirtualHost = "VIRTUAL_HOST",
        /// A client certificate for mutual TLS.
        ClientCertificateTlsAuth = "CLIENT_CERTIFICATE_TLS_AUTH",
        /// The certificate authority of the brokers.
        ServerRootCaCertificate = "SERVER_ROOT_CA_CERTIFICATE",
        /// SASL/OAUTHBEARER with tokens of an OAuth server.
        OauthbearerAuth = "OAUTHBEARER_AUTH",
        /// The scope that those are asked for.
        OauthbearerScope = "OAUTHBEARER_SCOPE",
        /// The audience that tokens are asked for.
        OauthbearerAudience = "OAUTHBEARER_AUDIENCE",
        /// The SASL extension `logicalCluster`.
        OauthbearerLogicalCluster = "OAUTHBEARER_LOGICAL_CLUSTER",
        /// The SASL extension `identityPoolId`.
        OauthbearerIdentityPool = "OAUTHBEARER_IDENTITY_POOL",
        /// The role's credentials, for an MSK cluster.
        IamAuth = "IAM_AUTH",
        /// SASL/OAUTHBEARER with tokens that AWS STS gives the role.
        IamOauthbearerAuth = "IAM_OAUTHBEARER_AUTH",
    }
}
