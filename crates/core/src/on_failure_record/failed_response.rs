//! What the function answered to a failed try.

use uuid::Uuid;

use super::envelope::ResponseContext;
use crate::response::Run;

/// What the function answered to a failed try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailedResponse {
    status_code: u16,
    function_error: Option<&'static str>,
    run: Run,
}

impl FailedResponse {
    /// The function ran and failed (recorded: `Unhandled` whatever the error, with status 200).
    pub(crate) const fn unhandled(run: Run) -> Self {
        Self {
            status_code: 200,
            function_error: Some("Unhandled"),
            run,
        }
    }

    /// The function answered, but not that the batch succeeded (recorded: `null`).
    pub(crate) const fn answered(run: Run) -> Self {
        Self {
            status_code: 200,
            function_error: None,
            run,
        }
    }

    /// The backend did not take the call.
    pub(crate) const fn refused(status: u16, run: Run) -> Self {
        Self {
            status_code: status,
            function_error: None,
            run,
        }
    }

    /// Returns what the document says of it; `executed_version` is for a run that does not tell its own.
    pub(crate) fn context<'a>(&'a self, executed_version: &'a str) -> ResponseContext<'a> {
        let version = self.run.executed_version.as_deref();
        ResponseContext {
            status_code: self.status_code,
            executed_version: version.unwrap_or(executed_version),
            function_error: self.function_error,
        }
    }

    /// Returns the id of the run, if it is a UUID.
    pub(crate) fn request_id(&self) -> Option<Uuid> {
        Uuid::parse_str(self.run.request_id.as_deref()?).ok()
    }
}
