//! What is wrong with the syntax of a file, in words of our own: those of the YAML library may repeat the file,
//! and with it a secret.

use serde_saphyr::Error;

/// What the library's texts about broken syntax have in common, what it means, and the way out.
const TEXTS: [(&str, &str, &str); 10] = [
    (
        "mapping values",
        "there is a second `: ` in the line",
        "put text that holds `: ` in quotes",
    ),
    (
        "unknown anchor",
        "an alias names no anchor",
        "write `&NAME` before what `*NAME` stands for",
    ),
    (
        "escape",
        "an escape in double quotes means nothing",
        "use single quotes",
    ),
    (
        "quote",
        "quotes do not match",
        "close them; within single quotes, '' is a quote",
    ),
    (
        "simple key",
        "there is a key without `: `",
        "write KEY: VALUE, indented like its neighbours",
    ),
    ("bracket", "brackets do not match", "close each of them"),
    (
        "flow",
        "brackets or commas do not match",
        "close each bracket, and put commas between items",
    ),
    (
        "tab",
        "there is a tab where only blanks may be",
        "indent with blanks",
    ),
    (
        "block",
        "the indentation does not fit",
        "indent keys of one map alike",
    ),
    (
        "indent",
        "the indentation does not fit",
        "indent keys of one map alike",
    ),
];

/// Returns what is wrong, and the way out.
pub(crate) fn words(error: &Error) -> (&'static str, &'static str) {
    match error.without_snippet() {
        Error::AliasError { error, .. } => words(error),
        Error::Eof { .. } => ("the file ends too early", "close brackets and quotes"),
        Error::MultipleDocuments { .. } => ("there is a second document", "leave out `---`"),
        Error::InvalidUtf8Input => ("it is not UTF-8", "save it as UTF-8"),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => (
            "it is too large or nested too deep, as aliases make it",
            "write it out with fewer aliases",
        ),
        Error::UnknownAnchor { .. } => (TEXTS[1].1, TEXTS[1].2),
        Error::MergeValueNotMapOrSeqOfMaps { .. } => (
            "`<<` takes a map or a list of maps",
            "give it the alias of a map",
        ),
        Error::ExternalMessage { msg, .. } => {
            let fits = |(part, _, _): &&(&str, _, _)| msg.contains(*part);
            let (_, rule, hint) = TEXTS.iter().find(fits).unwrap_or(&OTHER);
            (rule, hint)
        }
        _ => (OTHER.1, OTHER.2),
    }
}

const OTHER: (&str, &str, &str) = (
    "",
    "there is no value that makes sense here",
    "see to indentation, brackets, and what needs quotes",
);
