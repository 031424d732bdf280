//! Through which proxy services are called.

use crate::credentials::{invoke, look_up, runs_again};
use crate::fake::{Fake, Seen, reply};

/// Calls SQS and Lambda at an endpoint, whatever they answer.
async fn call(url: &str) {
    drop(look_up(Some(url)).await);
    drop(invoke(Some(url)).await);
}

/// Returns the request lines, of SQS first.
fn lines(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|seen| seen.line.as_str()).collect()
}

// The child is waited for by a thread of its own.
#[tokio::test(flavor = "multi_thread")]
async fn every_client_goes_through_the_proxy_of_the_environment() {
    let test = "every_client_goes_through_the_proxy_of_the_environment";
    if std::env::var_os("ENDPOINT").is_some() {
        call(&std::env::var("ENDPOINT").unwrap()).await;
        return;
    }
    let proxy = Fake::start([reply(502, &[], "")]).await;
    let with_user = proxy.url.replace("http://", "http://me:secret@");
    runs_again(
        "proxies",
        test,
        &[
            ("HTTP_PROXY", &with_user),
            ("ENDPOINT", "http://far.test:4566"),
        ],
    );
    runs_again(
        "proxies",
        test,
        &[
            ("HTTPS_PROXY", &with_user),
            ("ENDPOINT", "https://far.test"),
        ],
    );
    let seen = proxy.seen();
    assert_eq!(
        lines(&seen),
        [
            "POST http://far.test:4566/ HTTP/1.1",
            "POST http://far.test:4566/2015-03-31/functions/orders/invocations HTTP/1.1",
            "CONNECT far.test:443 HTTP/1.1",
            "CONNECT far.test:443 HTTP/1.1",
        ]
    );
    for seen in seen {
        let user = seen.header("proxy-authorization");
        assert_eq!(user, Some("Basic bWU6c2VjcmV0"), "{}", seen.line);
    }
}

// The child is waited for by a thread of its own.
#[tokio::test(flavor = "multi_thread")]
async fn no_proxy_is_asked_for_this_machine_or_for_what_needs_none() {
    let test = "no_proxy_is_asked_for_this_machine_or_for_what_needs_none";
    if std::env::var_os("ENDPOINT").is_some() {
        call(&std::env::var("ENDPOINT").unwrap()).await;
        return;
    }
    let proxy = Fake::start([reply(502, &[], "")]).await;
    let here = Fake::start([reply(400, &[], "{}")]).await;
    let all = ("ALL_PROXY", proxy.url.as_str());
    runs_again("proxies", test, &[all, ("ENDPOINT", &here.url)]);
    let none = ("NO_PROXY", "other.test,.invalid");
    runs_again(
        "proxies",
        test,
        &[all, none, ("ENDPOINT", "http://far.invalid:1")],
    );
    assert_eq!(lines(&proxy.seen()), [""; 0]);
    assert_eq!(here.seen().len(), 2);
}
