//! The control-plane API beside the pollers.

use std::future::Future;
use std::io;
use std::thread;

use lambda_esm_api::ApiOptions;
use lambda_esm_engine::Engine;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::config::Configuration;
use crate::failure::Failure;

/// The API: none is configured, waiting for the engine to begin, or at work.
pub(super) enum Api {
    None,
    Bound(TcpListener, Box<ApiOptions>),
    /// The first ends it by being dropped; the second is dropped when that is done.
    Serving(oneshot::Sender<()>, oneshot::Receiver<()>),
}

impl Api {
    /// Takes the address, so that one that is not to be had is known before anything begins.
    pub(super) fn bind(configuration: &Configuration) -> Result<Self, Failure> {
        let Some(options) = configuration.api.clone() else {
            return Ok(Self::None);
        };
        match lambda_esm_api::listen(options.listen) {
            Ok(listener) => Ok(Self::Bound(listener, Box::new(options))),
            Err(error) => {
                let (file, listen) = (configuration.file.display(), options.listen);
                let text = format!("{file}: api.listen: cannot listen on {listen}: {error}");
                Err(Failure::general(text))
            }
        }
    }

    /// Answers requests from now on, on a thread of its own: whatever the mappings have to do, the system gives
    /// that its share.
    pub(super) fn serve(&mut self, engine: &Engine) -> Result<(), Failure> {
        let Self::Bound(listener, options) = std::mem::replace(self, Self::None) else {
            return Ok(());
        };
        if let Ok(address) = listener.local_addr() {
            tracing::info!("the Lambda API for event source mappings is at http://{address}");
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let (done, ended) = oneshot::channel::<()>();
        let stopped = async {
            // A sender that is gone stops the API as well.
            drop(stopped.await);
        };
        beside(engine.clone(), listener, *options, stopped, done)
            .map_err(|error| Failure::general(format!("cannot start the API: {error}")))?;
        *self = Self::Serving(stop, ended);
        Ok(())
    }

    /// Answers what was asked, and listens no more.
    pub(super) async fn end(self) {
        if let Self::Serving(stop, ended) = self {
            drop(stop);
            // A thread that panicked has ended as well.
            drop(ended.await);
        }
    }
}

/// Serves the API on another thread, which drops `done` at its end.
fn beside(
    engine: Engine,
    listener: TcpListener,
    options: ApiOptions,
    stopped: impl Future<Output = ()> + Send + 'static,
    done: oneshot::Sender<()>,
) -> io::Result<()> {
    let listener = listener.into_std()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let serve = async move {
        // The listener moves over to the other runtime.
        let listener = TcpListener::from_std(listener)?;
        lambda_esm_api::serve(engine, listener, options, stopped).await
    };
    let run = move || {
        let _done = done;
        if let Err(error) = runtime.block_on(serve) {
            tracing::error!("the API stopped: {error}");
        }
    };
    thread::Builder::new().name("api".to_owned()).spawn(run)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::time::Duration;

    use bytes::Bytes;
    use lambda_esm_engine::functions::Closure;

    use super::*;

    #[tokio::test]
    async fn the_api_answers_while_the_mappings_keep_their_only_thread_busy() {
        let listener = lambda_esm_api::listen(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let mut api = Api::Bound(listener, Box::new(ApiOptions::new(address)));
        let nothing = Closure::new(|_| async { Ok(Bytes::new()) });
        let engine = Engine::builder().invoke(nothing).build();
        assert!(api.serve(&engine).is_ok());
        // Without another thread nobody would answer until this one waits for a task.
        let mut client = TcpStream::connect(address).unwrap();
        client
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\n\r\n");
        client.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 12];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        api.end().await;
        assert!(TcpStream::connect(address).is_err());
    }
}
