//! The control-plane API beside the pollers.

use lambda_esm_api::ApiOptions;
use lambda_esm_engine::Engine;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::Configuration;
use crate::failure::Failure;

/// The API: none is configured, waiting for the engine to begin, or at work.
pub(super) enum Api {
    None,
    Bound(TcpListener, Box<ApiOptions>),
    Serving(oneshot::Sender<()>, JoinHandle<()>),
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

    /// Answers requests from now on.
    pub(super) fn serve(&mut self, engine: &Engine) {
        let Self::Bound(listener, options) = std::mem::replace(self, Self::None) else {
            return;
        };
        if let Ok(address) = listener.local_addr() {
            tracing::info!("the Lambda API for event source mappings is at http://{address}");
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let engine = engine.clone();
        let task = tokio::spawn(async move {
            let stopped = async {
                // A sender that is gone stops the API as well.
                drop(stopped.await);
            };
            if let Err(error) = lambda_esm_api::serve(engine, listener, *options, stopped).await {
                tracing::error!("the API stopped: {error}");
            }
        });
        *self = Self::Serving(stop, task);
    }

    /// Answers what was asked, and listens no more.
    pub(super) async fn end(self) {
        if let Self::Serving(stop, task) = self {
            drop(stop);
            // A task that panicked has ended as well.
            drop(task.await);
        }
    }
}
