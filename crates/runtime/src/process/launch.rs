//! How a runtime is started: its command and its variables.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use jiff::Timestamp;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
#[cfg(target_os = "linux")]
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use tokio::process::{Child, Command};
use uuid::Uuid;

use super::config::ProcessConfig;
use super::resource_exhaustion::advice;

/// Starts the runtime of `config` as the leader of a process group, with `api` as its Runtime API.
///
/// # Errors
/// `NotFound` for a missing program or directory, `Denied` for a program that may not be run, else
/// `Unavailable`; the message names the command.
pub(crate) fn spawn(config: &ProcessConfig, api: SocketAddr) -> Result<Child, InvokeError> {
    let (program, arguments) = config.command.split_first().ok_or_else(|| {
        InvokeError::new(
            InvokeErrorKind::NotFound,
            format!("{}: no command", config.name),
        )
    })?;
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_the_daemons(name)) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .envs(variables(config, Timestamp::now(), &|name| {
            std::env::var_os(name).is_some()
        }))
        .envs(&config.env)
        .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(directory) = &config.working_dir {
        command.current_dir(directory);
    }
    let child = command
        .spawn()
        .map_err(|error| spawn_error(config, program, &error))?;
    if let Some(files) = config.open_files {
        limit_open_files(&child, files);
    }
    Ok(child)
}

/// Sets the soft limit of a process that has just begun, and is not through with loading its program.
#[cfg(target_os = "linux")]
fn limit_open_files(child: &Child, files: u64) {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let Some(id) = id.and_then(Pid::from_raw) else {
        return;
    };
    let limit = Rlimit {
        current: Some(files),
        ..getrlimit(Resource::Nofile)
    };
    if let Err(error) = prlimit(Some(id), Resource::Nofile, limit) {
        tracing::debug!(%error, process_id = ?id, files, "cannot limit a function's open files");
    }
}

#[cfg(not(target_os = "linux"))]
fn limit_open_files(_: &Child, _: u64) {}

/// Tells whether a variable is a setting of ours, such as the token of the API: no function's business.
fn is_the_daemons(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"LAMBDA_ESM_")
}

fn spawn_error(config: &ProcessConfig, program: &str, error: &io::Error) -> InvokeError {
    let name = &config.name;
    if let Some(directory) = config
        .working_dir
        .as_ref()
        .filter(|directory| !directory.is_dir())
    {
        let directory = directory.display();
        let message = format!("function {name}: working directory {directory} does not exist");
        return InvokeError::new(InvokeErrorKind::NotFound, message);
    }
    let (kind, advice) = match error.kind() {
        io::ErrorKind::NotFound => (
            InvokeErrorKind::NotFound,
            "; install it, or give the full path of an executable file",
        ),
        io::ErrorKind::PermissionDenied => (
            InvokeErrorKind::Denied,
            "; make the file executable for this user",
        ),
        _ => (InvokeErrorKind::Unavailable, advice(error)),
    };
    InvokeError::new(
        kind,
        format!("function {name}: cannot start command `{program}`: {error}{advice}"),
    )
}

/// Lambda's own variables (Lambda developer guide, "Defined runtime environment variables").
fn variables(
    config: &ProcessConfig,
    now: Timestamp,
    is_inherited: &dyn Fn(&str) -> bool,
) -> Vec<(&'static str, OsString)> {
    let directory = config
        .working_dir
        .clone()
        .unwrap_or_else(|| PathBuf::from("."));
    let root = std::path::absolute(&directory).unwrap_or(directory);
    let day = now.strftime("%Y/%m/%d");
    let stream = format!("{day}/[$LATEST]{}", Uuid::new_v4().simple());
    let file = |word: &String| Path::new(word).file_name().unwrap_or_default().to_owned();
    let program = config.command.first().map(file).unwrap_or_default();
    // What a runtime is told to run stands last, as in `python3 -m awslambdaric app.handler`.
    let handler = match config.command.as_slice() {
        [_, .., last] => last.into(),
        _ => program.clone(),
    };
    let mut execution = OsString::from("AWS_Lambda_");
    execution.push(&program);
    let mut variables: Vec<(&'static str, OsString)> = vec![
        ("AWS_DEFAULT_REGION", config.region.clone().into()),
        // The identifier of the runtime is not known; the program's name is the nearest to it.
        ("AWS_EXECUTION_ENV", execution),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            config.memory_mb.to_string().into(),
        ),
        ("AWS_LAMBDA_FUNCTION_NAME", config.name.clone().into()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".into()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".into()),
        (
            "AWS_LAMBDA_LOG_GROUP_NAME",
            format!("/aws/lambda/{}", config.name).into(),
        ),
        ("AWS_LAMBDA_LOG_STREAM_NAME", stream.into()),
        ("AWS_REGION", config.region.clone().into()),
        ("LAMBDA_TASK_ROOT", root.into()),
        ("TZ", ":UTC".into()),
        ("_HANDLER", handler),
    ];
    // Python holds back what it prints to a pipe, and a kill would lose it.
    if !is_inherited("PYTHONUNBUFFERED") {
        variables.push(("PYTHONUNBUFFERED", "1".into()));
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_stream_carries_the_day_and_the_version() {
        let config = ProcessConfig::new("orders", vec!["true".to_owned()]);
        let variables = variables(&config, Timestamp::UNIX_EPOCH, &|_| false);
        let stream = variables
            .iter()
            .find(|(name, _)| *name == "AWS_LAMBDA_LOG_STREAM_NAME");
        let stream = stream.unwrap().1.to_str().unwrap();
        assert!(stream.starts_with("1970/01/01/[$LATEST]"), "{stream}");
    }

    #[test]
    fn the_handler_stands_last_in_the_command_and_the_execution_is_named_by_its_program() {
        for (command, handler, execution) in [
            (
                &["python3", "-m", "awslambdaric", "app.handler"][..],
                "app.handler",
                "AWS_Lambda_python3",
            ),
            (
                &["/usr/bin/node", "index.mjs", "app.run"],
                "app.run",
                "AWS_Lambda_node",
            ),
            (&["./build/bootstrap"], "bootstrap", "AWS_Lambda_bootstrap"),
        ] {
            let command = command.iter().map(|&word| word.to_owned()).collect();
            let config = ProcessConfig::new("orders", command);
            let variables = variables(&config, Timestamp::UNIX_EPOCH, &|_| false);
            let value = |wanted| {
                let found = variables.iter().find(|(name, _)| *name == wanted);
                found.unwrap().1.to_str().unwrap()
            };
            assert_eq!(
                (value("_HANDLER"), value("AWS_EXECUTION_ENV")),
                (handler, execution)
            );
        }
    }

    #[test]
    fn an_inherited_pythonunbuffered_is_left_alone() {
        let config = ProcessConfig::new("orders", vec!["true".to_owned()]);
        let has = |inherited| {
            let variables = variables(&config, Timestamp::UNIX_EPOCH, &|_| inherited);
            variables
                .iter()
                .any(|(name, _)| *name == "PYTHONUNBUFFERED")
        };
        assert!(has(false) && !has(true));
    }
}
