//! The traps of configured mappings, as far as the configuration knows what is around them.

use std::time::Duration;

use lambda_esm_core::mapping::{Facts, Mapping, Trap, traps};

use crate::config::{Backend, Configuration};

/// Returns the traps of each mapping, in the order of the file.
pub(crate) fn of(configuration: &Configuration) -> Vec<Vec<Trap>> {
    let mappings = configuration.mappings.iter();
    let mappings: Vec<&Mapping> = mappings.map(|settings| &settings.mapping).collect();
    let of_one = |mapping: &&Mapping| {
        let (timeout, concurrency) = limits(configuration, mapping.function.name());
        let facts = Facts::of(&mappings)
            .with_function_timeout(timeout)
            .with_concurrency(concurrency.and_then(|most| most.try_into().ok()));
        traps(mapping, &facts)
    };
    mappings.iter().map(of_one).collect()
}

/// Returns a function's timeout and how many invocations it takes at a time, where the file says so.
fn limits(configuration: &Configuration, name: &str) -> (Option<Duration>, Option<usize>) {
    let functions = &configuration.functions;
    let named = |wanted: &str| functions.iter().find(|function| function.name == wanted);
    let Some(function) = named(name).or_else(|| named("*")) else {
        return (None, None);
    };
    match &function.backend {
        #[cfg(feature = "lambda-api")]
        Backend::LambdaApi(options) => (options.timeout, options.concurrency),
        Backend::Process(process) => (Some(process.timeout), Some(process.concurrency)),
        Backend::Http(http) => (Some(http.timeout), http.most_at_a_time()),
        Backend::Simulated(behaviour) => (None, behaviour.concurrency),
    }
}

/// Returns the lines of a warning.
pub(crate) fn lines(trap: &Trap) -> String {
    let Trap {
        field,
        value,
        says,
        way_out,
        source,
        ..
    } = trap;
    format!("  warning: {field} {value}: {says}\n    way out: {way_out}\n    source: {source}\n")
}
