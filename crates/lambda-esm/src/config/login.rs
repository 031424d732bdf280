//! User names and passwords in addresses.

use std::fmt;

use async_trait::async_trait;
use lambda_esm_engine::secrets::{SecretError, SecretResolver, SecretText};
use percent_encoding::percent_decode_str;
use serde_json::json;

/// Who an address names: `amqp://NAME:PASSWORD@HOST`. It stands in for every secret of the mappings that go there.
#[derive(Clone)]
pub(crate) struct Login {
    username: String,
    password: String,
}

impl Login {
    /// Takes them out of an address, if it has any; of several addresses, the first one's.
    pub(super) fn split(url: &str) -> Result<(String, Option<Self>), String> {
        let (mut bare, mut login) = (Vec::new(), None);
        for one in url.split(',') {
            let scheme = one.find("://").map_or(0, |at| at + "://".len());
            let (scheme, rest) = one.split_at(scheme);
            let authority = rest.find(['/', '?']).unwrap_or(rest.len());
            let Some(at) = rest[..authority].rfind('@') else {
                bare.push(one.to_owned());
                continue;
            };
            let (username, password) = rest[..at].split_once(':').ok_or(
                "an address that names a user must name the password, too: USER:PASSWORD@",
            )?;
            if login.is_none() {
                login = Some(Self {
                    username: decoded(username)?,
                    password: decoded(password)?,
                });
            }
            bare.push(format!("{scheme}{}", &rest[at + 1..]));
        }
        Ok((bare.join(","), login))
    }
}

fn decoded(text: &str) -> Result<String, String> {
    let text = percent_decode_str(text).decode_utf8();
    let text = text.map_err(|_| "user name and password must be UTF-8, percent-encoded")?;
    Ok(text.into_owned())
}

#[async_trait]
impl SecretResolver for Login {
    async fn secret(&self, arn: &str) -> Result<SecretText, SecretError> {
        let Self { username, password } = self;
        let text = json!({ "username": username, "password": password });
        SecretText::new(arn, text.to_string())
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(url: &str) -> (String, Option<(String, String)>) {
        let (bare, login) = Login::split(url).unwrap();
        (bare, login.map(|login| (login.username, login.password)))
    }

    #[test]
    fn an_address_may_name_who_one_is() {
        let me = |name: &str, password: &str| Some((name.to_owned(), password.to_owned()));
        for (url, bare, login) in [
            ("amqp://h:5672", "amqp://h:5672", None),
            (
                "amqp://guest:guest@h:5672",
                "amqp://h:5672",
                me("guest", "guest"),
            ),
            ("amqp+ssl://a%40b:p%3Aw@h", "amqp+ssl://h", me("a@b", "p:w")),
            (
                "activemq://u:p@one,activemq://u:p@two",
                "activemq://one,activemq://two",
                me("u", "p"),
            ),
            (
                "mongodb://u:p@a:1,b:2/?x=y@z",
                "mongodb://a:1,b:2/?x=y@z",
                me("u", "p"),
            ),
        ] {
            assert_eq!(split(url), (bare.to_owned(), login), "{url}");
        }
    }

    #[test]
    fn a_login_is_whole_and_never_shown() {
        assert!(Login::split("amqp://guest@h").is_err());
        let (_, login) = Login::split("amqp://guest:hush@h").unwrap();
        assert!(!format!("{login:?}").contains("hush"));
    }
}
