//! What token endpoints answer (RFC 6749, section 5).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use lambda_esm_core::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::error::AuthError;

/// How long a token is taken to be valid that does not say it, in seconds.
const UNKNOWN_LIFE: u64 = 300;
/// More than any token has; keeps times in their range.
const LONGEST_LIFE: u64 = 30 * 86_400;

/// A token and what is known of it.
pub(super) struct Answer {
    pub(super) token: String,
    pub(super) expires: Timestamp,
    /// Whom it is about, if it is a JSON Web Token that says so.
    pub(super) subject: Option<String>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// In seconds; some servers write it in quotes.
    expires_in: Option<Value>,
    token_type: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    error: Option<String>,
    error_description: Option<String>,
}

#[derive(Default, Deserialize)]
struct Claims {
    sub: Option<String>,
    exp: Option<f64>,
}

/// Reads an answer to a question that was asked then. What it says is told only as far as it repeats none of `secrets`.
pub(super) fn read(
    endpoint: &str,
    status: StatusCode,
    body: &[u8],
    secrets: &[String],
    asked: Timestamp,
) -> Result<Answer, AuthError> {
    if !status.is_success() {
        return Err(refused(endpoint, status, body, secrets));
    }
    // What went wrong in reading may quote the token.
    let granted: Granted = serde_json::from_slice(body).map_err(|_| {
        AuthError::sasl(format!(
            "{endpoint} answered without an access_token; is it the URL of a token endpoint?"
        ))
    })?;
    let kind = granted.token_type.as_deref().unwrap_or("Bearer");
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(AuthError::sasl(format!(
            "{endpoint} gave a token that is not of the type Bearer"
        )));
    }
    let token = granted.access_token;
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(AuthError::sasl(format!(
            "{endpoint} gave a token that is not printable ASCII"
        )));
    }
    let claims = claims(&token).unwrap_or_default();
    let life = granted.expires_in.as_ref().and_then(|life| match life {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    });
    let by_claim = || {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and is bounded below"
        )]
        let millis = (claims.exp? * 1000.0) as i64;
        u64::try_from(millis.saturating_sub(asked.millis()) / 1000).ok()
    };
    let life = life.or_else(by_claim).unwrap_or(UNKNOWN_LIFE);
    if life == 0 {
        return Err(AuthError::sasl(format!(
            "{endpoint} gave a token that has expired already; check the clocks of this machine and of the server, and the \
             life of its tokens"
        )));
    }
    let life = life.min(LONGEST_LIFE).saturating_mul(1000);
    Ok(Answer {
        token,
        expires: Timestamp(asked.millis().saturating_add_unsigned(life)),
        subject: claims.sub.filter(|subject| !subject.contains('\0')),
    })
}

/// Returns the claims of a JSON Web Token, which are not checked: that is for the brokers.
fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&payload).ok()
}

fn refused(endpoint: &str, status: StatusCode, body: &[u8], secrets: &[String]) -> AuthError {
    let said: Option<Refused> = serde_json::from_slice(body).ok();
    let shown = |text: &String| {
        let repeats = |secret: &String| !secret.is_empty() && text.contains(secret.as_str());
        !text.is_empty() && !secrets.iter().any(repeats)
    };
    let said = said.map_or_else(Vec::new, |said| {
        let texts = [said.error, said.error_description];
        texts.into_iter().flatten().filter(shown).collect()
    });
    let said: String = said.iter().map(|text| format!(": {text}")).collect();
    let message = format!(
        "{endpoint} refused a token with status {}{said}",
        status.as_u16()
    );
    if status.is_server_error() || matches!(status.as_u16(), 408 | 429) {
        AuthError::unavailable(message)
    } else {
        AuthError::sasl(format!(
            "{message}; see that the secret's oauthClientId and what proves it are those of the server"
        ))
    }
}
