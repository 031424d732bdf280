//! The functions of the emulator: closures by name, each on a thread of its own while it runs.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use lambda_esm::async_trait::async_trait;
use lambda_esm::bytes::Bytes;
use lambda_esm::fault::{InvokeError, InvokeErrorKind};
use lambda_esm::mapping::FunctionRef;
use lambda_esm::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest, Run};
use lambda_esm::uuid::Uuid;

/// Takes the event and gives the response, both as they are sent.
type Function = Arc<dyn Fn(&Bytes) -> Result<Bytes, String> + Send + Sync>;

#[derive(Default)]
pub(crate) struct Functions(RwLock<BTreeMap<String, Function>>);

impl Functions {
    pub(crate) fn add(
        &self,
        name: &str,
        function: impl Fn(&Bytes) -> Result<Bytes, String> + Send + Sync + 'static,
    ) {
        let mut functions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        functions.insert(name.to_owned(), Arc::new(function));
    }

    fn find(&self, name: &str) -> Result<Function, InvokeError> {
        let functions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = functions.get(name).cloned();
        found.ok_or_else(|| {
            let text = format!("there is no function {name}");
            InvokeError::new(InvokeErrorKind::NotFound, text)
        })
    }
}

#[async_trait]
impl InvokeBackend for Functions {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        let function = self.find(request.function.name())?;
        let run = Run::default().with_request_id(Some(Uuid::new_v4().to_string()));
        let failed = |text: String| InvokeError::function(text).of(run.clone());
        let answer = tokio::task::spawn_blocking(move || function(&request.payload)).await;
        // A function that panics has failed.
        let answer = answer.map_err(|error| failed(error.to_string()))?;
        Ok(InvokeAnswer::new(answer.map_err(&failed)?).of(run))
    }

    async fn describe(&self, function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        self.find(function.name())?;
        Ok(FunctionFacts::default()
            .with_timeout(Some(Duration::from_secs(3)))
            .with_concurrency(Some(10)))
    }
}
