//! Which filters are measured on which samples.

use lambda_esm_filter::{Dialect, Filters, Limits};

use super::measure::measure;
use super::read::{self, Sample};
use super::report;
use crate::config::{Configuration, MappingSettings};
use crate::failure::Failure;
use crate::filter_test::source::SourceChoice;
use crate::filter_test::{Args, patterns};

/// Measures the patterns of the command line, or those of a configuration's mappings.
pub(in crate::filter_test) fn run(args: &Args) -> Result<(), Failure> {
    let samples = read::files(&args.samples)?;
    if samples.is_empty() {
        return Err(Failure::Usage(
            "there are no samples in the files".to_owned(),
        ));
    }
    match &args.config {
        None => {
            let patterns = patterns::read(&args.pattern, args.pattern_file.as_deref())?;
            let of_source = of_source(&samples, args.source);
            let rules = (args.dialect, Limits::default());
            one(None, &patterns, rules, &of_source, args.json)
        }
        Some(path) => {
            let configuration = Configuration::load(path).map_err(Failure::Configuration)?;
            mappings(&configuration, args, &samples)
        }
    }
}

fn mappings(configuration: &Configuration, args: &Args, samples: &[Sample]) -> Result<(), Failure> {
    let all = configuration.mappings.iter().enumerate();
    let chosen: Vec<(usize, &MappingSettings)> = all
        .filter(|(index, _)| args.mapping.is_none_or(|wanted| wanted == *index))
        .filter(|(_, settings)| settings.mapping.filters.is_some())
        .collect();
    if chosen.is_empty() {
        return Err(Failure::Usage(match args.mapping {
            Some(index) => format!("there is no mappings[{index}] with FilterCriteria"),
            None => "no mapping of the configuration has FilterCriteria".to_owned(),
        }));
    }
    let mut measured = false;
    for (index, settings) in chosen {
        let kind = settings.mapping.source.kind();
        let (Some(filters), Some(source)) =
            (&settings.mapping.filters, SourceChoice::of_mapping(kind))
        else {
            continue;
        };
        let of_source = of_source(samples, Some(source));
        if of_source.is_empty() {
            continue;
        }
        measured = true;
        let name = format!("mappings[{index}], {}", settings.mapping.source.name());
        let options = &configuration.options;
        let rules = (options.dialect, options.filter_limits);
        one(Some(name), filters.patterns(), rules, &of_source, args.json)?;
    }
    if measured {
        Ok(())
    } else {
        let text = "all samples are records of another kind of source than the mappings with FilterCriteria read";
        Err(Failure::Usage(text.to_owned()))
    }
}

/// Returns the samples that are, or may be, of a kind of source, as records of it.
fn of_source(samples: &[Sample], source: Option<SourceChoice>) -> Vec<Sample> {
    let fits =
        |sample: &&Sample| source.is_none() || sample.source.is_none() || sample.source == source;
    let as_its = |sample: &Sample| Sample {
        source: sample.source.or(source),
        ..sample.clone()
    };
    samples.iter().filter(fits).map(as_its).collect()
}

fn one(
    name: Option<String>,
    patterns: &[String],
    (dialect, limits): (Dialect, Limits),
    samples: &[Sample],
    as_json: bool,
) -> Result<(), Failure> {
    let refused = |error: lambda_esm_filter::PatternError| {
        Failure::Usage(format!("{}: {error}", error.service_message()))
    };
    Filters::compile(patterns, dialect, limits).map_err(refused)?;
    let each = patterns
        .iter()
        .map(|pattern| Filters::compile(&[pattern], dialect, limits));
    let each: Vec<Filters> = each.collect::<Result<_, _>>().map_err(refused)?;
    let measured = measure(&each, samples);
    report::show(name.as_deref(), patterns, &measured, as_json)
}
