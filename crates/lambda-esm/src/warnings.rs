//! What around the daemon is dangerous though it works: who can read its secrets or write its state, and limits
//! that are too low.

use std::fs::{self, Metadata};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use lambda_esm_api::Auth;
use rustix::process::{Resource, getrlimit};

use crate::config::{Backend, Configuration, FunctionSettings};

/// Bits of a file's mode: its group or everybody may read it; everybody may write it.
const OTHERS_READ: u32 = 0o044;
const ALL_WRITE: u32 = 0o002;

/// Words in the names of variables whose values are secrets.
const SECRET_WORDS: [&str; 6] = ["SECRET", "TOKEN", "PASSWORD", "PASSWD", "CREDENTIAL", "KEY"];

/// Open files of the daemon itself: standard streams, store, configuration, threads, name lookups.
const FILES_OF_THE_DAEMON: u64 = 64;
/// Of a process of a function: two pipes, its Runtime API and some connections to it, and what starts it.
const FILES_OF_A_PROCESS: u64 = 16;
/// Of a mapping: its calls to the source, to settle and to the function, each by a connection of its own.
const FILES_OF_A_QUEUE: u64 = 64;
const FILES_OF_A_STREAM: u64 = 128;

/// Returns warnings in words, with ways out. `most_files` may be open; `None` is no limit.
pub(crate) fn of(configuration: &Configuration, most_files: Option<u64>) -> Vec<String> {
    let file = readable(configuration);
    let state = configuration.state_dir.as_deref().into_iter();
    let state = state.flat_map(writable);
    let files = most_files.and_then(|most| too_few_files(configuration, most));
    file.into_iter().chain(state).chain(files).collect()
}

/// Returns how many files a daemon may have open that is started by somebody like this process.
pub(crate) fn most_files() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

/// Warns of secrets that others can read.
fn readable(configuration: &Configuration) -> Option<String> {
    let file = &configuration.file;
    let held = secrets(configuration);
    let found = fs::metadata(file).ok().filter(Metadata::is_file)?;
    if held.is_empty() || found.permissions().mode() & OTHERS_READ == 0 {
        return None;
    }
    Some(format!(
        "{file} holds secrets ({}), and others on this machine may read it; chmod 600 {file}",
        held.join(", "),
        file = file.display(),
    ))
}

/// Returns the fields that hold secrets.
fn secrets(configuration: &Configuration) -> Vec<String> {
    let api = configuration.api.as_ref().map(|api| &api.auth);
    let api = api.filter(|auth| !matches!(auth, Auth::None));
    let api = api.map(|_| "api.auth".to_owned());
    let secrets = (!configuration.secrets.is_empty()).then(|| "secrets".to_owned());
    let functions = configuration.functions.iter();
    api.into_iter()
        .chain(secrets)
        .chain(functions.flat_map(of_function))
        .collect()
}

fn of_function(function: &FunctionSettings) -> Vec<String> {
    let is_secret = |name: &String| {
        let name = name.to_ascii_uppercase();
        SECRET_WORDS.iter().any(|word| name.contains(word))
    };
    let fields = match &function.backend {
        Backend::Process(config) => vec![("env", config.env.keys().any(is_secret))],
        Backend::Http(config) => vec![
            ("url", config.url.contains('?')),
            ("headers", !config.headers.is_empty()),
        ],
        #[cfg(feature = "lambda-api")]
        Backend::LambdaApi(_) => Vec::new(),
        Backend::Simulated(_) => Vec::new(),
    };
    let fields = fields.into_iter().filter(|(_, holds)| *holds);
    fields
        .map(|(field, _)| format!("functions.{}.{field}", function.name))
        .collect()
}

/// Warns of state that everybody can change: who writes it decides which records are read.
fn writable(folder: &Path) -> Vec<String> {
    let file = folder.join(lambda_esm_store::FILE);
    let open_to_all = |path: &&Path| {
        let found = fs::metadata(path);
        found.is_ok_and(|found| found.permissions().mode() & ALL_WRITE != 0)
    };
    let warn = |path: &Path| {
        format!(
            "state_dir: everybody on this machine may change {path}, and with it what is read; chmod o-w {path}",
            path = path.display()
        )
    };
    [folder, &file]
        .into_iter()
        .filter(open_to_all)
        .map(warn)
        .collect()
}

/// Warns if all that is configured, at work at the same time, may need more files than may be open.
fn too_few_files(configuration: &Configuration, most: u64) -> Option<String> {
    let api = configuration
        .api
        .as_ref()
        .map_or(0, |api| api.limits.connections);
    let functions = configuration
        .functions
        .iter()
        .map(|function| match &function.backend {
            Backend::Process(config) => config.concurrency as u64 * FILES_OF_A_PROCESS,
            Backend::Http(config) => config.most_at_a_time().unwrap_or_default() as u64,
            #[cfg(feature = "lambda-api")]
            Backend::LambdaApi(options) => options.concurrency.unwrap_or_default() as u64,
            Backend::Simulated(_) => 0,
        });
    let mappings = configuration.mappings.iter().map(|settings| {
        if settings.is_stream() {
            FILES_OF_A_STREAM
        } else {
            FILES_OF_A_QUEUE
        }
    });
    let needed = FILES_OF_THE_DAEMON + api as u64 + functions.sum::<u64>() + mappings.sum::<u64>();
    (needed > most).then(|| {
        format!(
            "only {most} files may be open, and all that is configured may need some {needed}; raise the limit \
             (ulimit -Hn, LimitNOFILE= of systemd), or lower the concurrency of functions"
        )
    })
}
