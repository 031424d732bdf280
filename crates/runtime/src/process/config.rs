//! Settings of one function that runs as processes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use lambda_esm_core::setters;

use crate::error::ConfigError;
use crate::redact::Keys;

/// One function and how to run it. [`new`](Self::new) fills in the defaults.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessConfig {
    /// The function's bare name; what `AWS_LAMBDA_FUNCTION_NAME` says.
    pub name: String,
    /// Program and arguments of a Lambda runtime, such as `python3 -m awslambdaric app.handler`. The
    /// program is looked up in `PATH`.
    pub command: Vec<String>,
    /// The most environments at a time, 1 to 1,000.
    pub concurrency: usize,
    /// The function's timeout, 1 second to 15 minutes (Lambda API reference, `Timeout`).
    pub timeout: Duration,
    /// Variables for the function. They win over the inherited ones (all but ours, `LAMBDA_ESM_…`) and over
    /// all of Lambda's own but `AWS_LAMBDA_RUNTIME_API`. Of those, `_HANDLER` is the command's last word, and
    /// `AWS_EXECUTION_ENV` is `AWS_Lambda_` with the program's name, `python3` where Lambda says `python3.13`.
    pub env: BTreeMap<String, String>,
    /// The runtime's working directory and `LAMBDA_TASK_ROOT`; the daemon's own if `None`.
    pub working_dir: Option<PathBuf>,
    /// The region in the function's ARN and in `AWS_REGION`.
    pub region: String,
    /// The account in the function's ARN: 12 digits.
    pub account_id: String,
    /// What `AWS_LAMBDA_FUNCTION_MEMORY_SIZE` says, in MB, 128 to 10,240. It is not enforced.
    pub memory_mb: u32,
    /// How many files the process may have open (its soft `RLIMIT_NOFILE`); the daemon's own limit if `None`. For
    /// a daemon that has raised its own: programs that use `select`, or close all descriptors one by one,
    /// bear no high limit. It is set right after the start, and on Linux only: no other system lets a parent do it.
    pub open_files: Option<u64>,
}

setters!(ProcessConfig {
    with_command sets command: Vec<String>,
    with_concurrency sets concurrency: usize,
    with_timeout sets timeout: Duration,
    with_env sets env: BTreeMap<String, String>,
    with_working_dir sets working_dir: Option<PathBuf>,
    with_region sets region: String,
    with_account_id sets account_id: String,
    with_memory_mb sets memory_mb: u32,
    with_open_files sets open_files: Option<u64>,
});

impl ProcessConfig {
    /// One environment: a handler that shares files or ports with itself still works.
    pub const DEFAULT_CONCURRENCY: usize = 1;
    /// Lambda's own default (Lambda API reference, `Timeout`).
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);
    /// Lambda's own default (Lambda API reference, `MemorySize`).
    pub const DEFAULT_MEMORY_MB: u32 = 128;

    const MAX_CONCURRENCY: usize = 1_000;

    /// Returns the settings of a function with defaults: concurrency 1, timeout 3 s, memory 128 MB, region
    /// `us-east-1`, account `000000000000`, no variables.
    pub fn new(name: impl Into<String>, command: Vec<String>) -> Self {
        Self {
            name: name.into(),
            command,
            concurrency: Self::DEFAULT_CONCURRENCY,
            timeout: Self::DEFAULT_TIMEOUT,
            env: BTreeMap::new(),
            working_dir: None,
            region: "us-east-1".to_owned(),
            account_id: "000000000000".to_owned(),
            memory_mb: Self::DEFAULT_MEMORY_MB,
            open_files: None,
        }
    }

    /// Checks every rule that can be checked without starting anything.
    ///
    /// # Errors
    /// Names the first field that breaks its rule.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.name.is_empty() {
            return Err(ConfigError::new("name", "\"\"", "name the function"));
        }
        if self.command.first().is_none_or(String::is_empty) {
            let rule = "give the program of a Lambda runtime and its arguments";
            return Err(ConfigError::new(
                "command",
                format!("{:?}", self.command),
                rule,
            ));
        }
        if !(1..=Self::MAX_CONCURRENCY).contains(&self.concurrency) {
            let rule = format!("give 1 to {}", Self::MAX_CONCURRENCY);
            return Err(ConfigError::new(
                "concurrency",
                self.concurrency.to_string(),
                rule,
            ));
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(900)).contains(&self.timeout) {
            let rule = "give 1 s to 15 min (900 s)";
            return Err(ConfigError::new(
                "timeout",
                format!("{:?}", self.timeout),
                rule,
            ));
        }
        if !(128..=10_240).contains(&self.memory_mb) {
            let rule = "give 128 to 10240";
            return Err(ConfigError::new(
                "memory_mb",
                self.memory_mb.to_string(),
                rule,
            ));
        }
        self.validate_strings()
    }

    fn validate_strings(&self) -> Result<(), ConfigError> {
        if self.command.iter().any(|argument| argument.contains('\0')) {
            let rule = "leave out the NUL character";
            return Err(ConfigError::new(
                "command",
                format!("{:?}", self.command),
                rule,
            ));
        }
        for (name, value) in &self.env {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                let rule = "names may not be empty or hold =, and neither side may hold NUL";
                return Err(ConfigError::new("env", format!("{name:?}"), rule));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ProcessConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ProcessConfig")
            .field("name", &self.name)
            .field("command", &self.command)
            .field("concurrency", &self.concurrency)
            .field("timeout", &self.timeout)
            .field("env", &Keys(&self.env))
            .field("working_dir", &self.working_dir)
            .field("region", &self.region)
            .field("account_id", &self.account_id)
            .field("memory_mb", &self.memory_mb)
            .field("open_files", &self.open_files)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid() -> ProcessConfig {
        ProcessConfig::new("orders", vec!["true".to_owned()])
    }

    #[test]
    fn each_rule_names_its_field() {
        type Break = fn(&mut ProcessConfig);
        let cases: [(&str, Break); 7] = [
            ("name", |config| config.name.clear()),
            ("command", |config| config.command.clear()),
            ("command", |config| config.command = vec![String::new()]),
            ("concurrency", |config| config.concurrency = 0),
            ("timeout", |config| {
                config.timeout = Duration::from_millis(999)
            }),
            ("memory_mb", |config| config.memory_mb = 64),
            ("env", |config| {
                config.env.insert("A=B".to_owned(), String::new());
            }),
        ];
        assert_eq!(valid().validate(), Ok(()));
        for (field, break_it) in cases {
            let mut config = valid();
            break_it(&mut config);
            assert_eq!(config.validate().unwrap_err().field, field);
        }
    }

    #[test]
    fn the_longest_timeout_is_fifteen_minutes() {
        let mut config = valid();
        config.timeout = Duration::from_secs(900);
        assert_eq!(config.validate(), Ok(()));
        config.timeout += Duration::from_millis(1);
        let error = config.validate().unwrap_err().to_string();
        assert_eq!(error, "timeout 900.001s: give 1 s to 15 min (900 s)");
    }

    #[test]
    fn debug_hides_the_values_of_variables() {
        let mut config = valid();
        config.env.insert("TOKEN".to_owned(), "s3cret".to_owned());
        let debug = format!("{config:?}");
        assert!(
            debug.contains("TOKEN") && !debug.contains("s3cret"),
            "{debug}"
        );
    }
}
