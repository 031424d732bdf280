//! Tokens of an OAuth server, by client credentials (RFC 6749, section 4.4) or a JWT assertion (RFC 7523).

use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http_body_util::Full;
use lambda_esm_engine::Clock;
use lambda_esm_engine::secrets::{SecretResolver, SecretText};

use super::access::OauthAccess;
use super::assertion::Claims;
use super::error::AuthError;
use super::grant::Grant;
use super::https::send;
use super::oauth_answer::read;
use super::oauth_secret::{OauthSecret, Proof};
use super::token::Token;

/// Asks the server that a secret names.
pub(super) struct OauthGrant {
    pub(super) secrets: Arc<dyn SecretResolver>,
    pub(super) access: OauthAccess,
    pub(super) allow_plaintext: bool,
    pub(super) clock: Clock,
}

#[async_trait]
impl Grant for OauthGrant {
    async fn token(&self) -> Result<Token, AuthError> {
        let text = self.secrets.secret(&self.access.secret).await?;
        self.token_by(&text).await
    }
}

impl OauthGrant {
    /// Returns a token for this secret.
    pub(super) async fn token_by(&self, text: &SecretText) -> Result<Token, AuthError> {
        let secret = OauthSecret::read(&self.access.secret, text, self.allow_plaintext)?;
        let asked = self.clock.wall();
        let (form, basic) = self.form(&secret)?;
        let endpoint = format!("token endpoint {}", without_query(&secret.endpoint));
        let mut request = Request::post(secret.endpoint.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        if let Some(basic) = &basic {
            request = request.header(AUTHORIZATION, format!("Basic {basic}"));
        }
        let request = request
            .body(Full::new(Bytes::from(form.encoded())))
            .map_err(|_| AuthError::sasl(format!("{endpoint} cannot be asked with this secret")))?;
        let (status, body) = send(request, secret.root_ca.as_deref())
            .await
            .map_err(|why| {
                AuthError::unavailable(format!("cannot get a token from {endpoint}: {why}"))
            })?;
        let answer = read(&endpoint, status, &body, &form.secrets, asked)?;
        Ok(Token {
            text: answer.token,
            expires: answer.expires,
            principal: answer.subject.unwrap_or(secret.client_id),
            extensions: self.access.extensions(),
        })
    }

    /// Returns the form, and the credentials in a header where the grant has them there.
    fn form(&self, secret: &OauthSecret) -> Result<(Form, Option<String>), AuthError> {
        let access = &self.access;
        let mut form = Form::default();
        let basic = match &secret.proof {
            Proof::ClientSecret(client_secret) => {
                form.add("grant_type", "client_credentials");
                if let Some(audience) = &access.audience {
                    form.add("audience", audience);
                }
                let mut pair = encoded(&secret.client_id);
                pair.push(':');
                pair.push_str(&encoded(client_secret));
                form.secrets.push(client_secret.clone());
                form.secrets.push(encoded(client_secret));
                Some(STANDARD.encode(pair))
            }
            Proof::Assertion {
                email,
                key,
                expiration,
            } => {
                let endpoint = secret.endpoint.to_string();
                let assertion = key.assert(&Claims {
                    email,
                    audience: access.audience.as_deref().unwrap_or(&endpoint),
                    scope: access.scope.as_deref(),
                    now: self.clock.wall(),
                    expiration: *expiration,
                });
                let assertion = assertion.ok_or_else(|| {
                    let arn = &access.secret;
                    AuthError::sasl(format!("secret {arn}: member oauthPrivateKey cannot sign"))
                })?;
                form.add("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
                form.add("client_id", &secret.client_id);
                form.add("assertion", &assertion);
                form.secrets.push(assertion);
                None
            }
        };
        form.secrets.extend(basic.clone());
        if let Some(scope) = &access.scope {
            form.add("scope", scope);
        }
        Ok((form, basic))
    }
}

/// A form that is being filled in, and what of it must not be shown.
#[derive(Default)]
struct Form {
    fields: Vec<(&'static str, String)>,
    secrets: Vec<String>,
}

impl Form {
    fn add(&mut self, name: &'static str, value: &str) {
        self.fields.push((name, value.to_owned()));
    }

    fn encoded(&self) -> String {
        let fields = self.fields.iter();
        let fields: Vec<String> = fields
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        fields.join("&")
    }
}

/// Returns a text as `application/x-www-form-urlencoded` has it.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'*' | b'-' | b'.' | b'_' => out.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => out.push(byte.into()),
            byte => {
                // Writing to a text does not fail.
                write!(out, "%{byte:02X}").ok();
            }
        }
    }
    out
}

fn without_query(url: &http::Uri) -> String {
    let host = url.authority().map_or("", |authority| authority.as_str());
    format!("{}://{host}{}", url.scheme_str().unwrap_or(""), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded_as_html_says() {
        assert_eq!(encoded("a b+c/ä:~*-._9"), "a+b%2Bc%2F%C3%A4%3A%7E*-._9");
    }
}
