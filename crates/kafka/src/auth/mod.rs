//! Who a mapping is to its cluster, and where that is: from `SourceAccessConfigurations` and secrets to the settings
//! of a client (Lambda developer guide, "Configuring cluster authentication methods", for Amazon MSK and for
//! self-managed clusters).

mod access;
mod address;
mod assertion;
mod authenticator;
mod certificates;
mod error;
mod give_token;
mod grant;
mod https;
mod listener;
mod oauth;
mod oauth_answer;
mod oauth_secret;
mod secret;
mod settings;
mod token;
mod tokens;

pub use address::{ClusterAddress, ClusterAddressError};
pub use authenticator::Authenticator;
pub use error::{AuthError, AuthErrorKind, ConnectionProblem};
pub use give_token::give_token;
pub use settings::ClientSettings;
pub use token::{Token, TokenSource};
