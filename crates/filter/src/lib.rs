//! Matches Lambda `FilterCriteria` patterns against raw JSON, and explains a non-match.
//!
//! ```
//! use lambda_esm_filter::{Dialect, Filters, Limits, Scratch};
//!
//! let patterns = [r#"{"body": {"kind": ["order"], "total": [{"numeric": [">", 100]}]}}"#];
//! let filters = Filters::compile(&patterns, Dialect::Lambda, Limits::default())?;
//! let mut scratch = Scratch::default();
//!
//! assert!(filters.is_match(br#"{"body": {"kind": "order", "total": 120}}"#, &mut scratch));
//! let event = br#"{"body": {"kind": "order", "total": 80}}"#;
//! assert!(!filters.is_match(event, &mut scratch));
//! assert_eq!(
//!     filters.explain(event).to_string(),
//!     "filter 0: no match\n  field `body.total`: value not accepted; \
//!      expected [{\"numeric\":[\">\",100]}], found 80",
//! );
//! # Ok::<(), lambda_esm_filter::PatternError>(())
//! ```
//!
//! # Matching
//!
//! Patterns compile to one tree of field names. Matching walks the bytes of an event once, goes
//! into the members that the tree names, and skips the rest; it builds no tree of the event and,
//! once [`Scratch`] has grown, allocates nothing.
//!
//! `$or` is multiplied out into alternatives, of which each field keeps a set. Compiling takes time and memory by
//! the fields alone times a word for 64 alternatives: milliseconds for the most that a mapping can have. What
//! matching does for a value grows with the fields that stand at its place, what it does for an element of an
//! array with those that the element has.
//!
//! The **whole** event is checked, also what is skipped: an event that is not one well-formed JSON
//! object (RFC 8259, UTF-8, at most 512 levels deep, nothing after it) matches no pattern. A lone
//! surrogate escape such as `"\ud800"` is well-formed; it equals only itself.
//!
//! # Records
//!
//! [`Filters::matches_record`] takes the data apart from the metadata. Data that is a JSON object
//! or array is JSON; any other UTF-8 text is plain, *also a bare `123`, `"x"`, `true` or `null`*:
//! it has no fields to look into, and compares as the text it is. A pattern `{"body": [..]}` asks
//! for plain text, `{"body": {..}}` (or `{"body.field": [..]}`) for JSON; [`Mismatch`] says what
//! happens when it gets the other. With `$or`, each combination is judged for itself.
//!
//! # Where implementations differ
//!
//! The patterns are those of Amazon EventBridge, whose engine is public as event-ruler. Where its
//! behaviour looks like an accident, or the documentation is silent, this crate decides:
//!
//! | Question | event-ruler | Here | Why |
//! |---|---|---|---|
//! | A name repeated in a pattern object | fields of both count, the same path is replaced | the last counts | documented for Lambda, and what most JSON parsers do |
//! | A name repeated in an event | all count | all count, but the fields of one array must still be found in one array | needs no look-ahead, and no value hides behind another |
//! | A path given again inside or after `$or` | the later replaces the earlier | the same | recorded |
//! | `exists: false` beside other fields of an array's elements | depends on the alphabetical order of the names | judged last: absent from the element (or elements) the other fields were found in | the order of names carries no meaning |
//! | `exists: false` alone under an array | false as soon as any element has the field | the same | follows from the above |
//! | A path that is a list and, by a dotted name, a parent too (`a` and `a.b`) | values of lists nested in the list belong to its elements | values at `a` bind no element | not worth a rule |
//! | Strings that look like IP addresses | become ranges, `"10.0.0.1"` equals `"010.000.000.001"` | strings are equal byte by byte | documented: exact |
//! | `{"prefix": "x\""}` on `"x"` | true: the closing quote leaks | false | accident |
//! | Text after the end of a pattern or event | ignored | pattern refused, event does not match | hides mistakes such as a brace too many |
//! | `5e-324` and numbers alike | not comparable in Java's notation | comparable: the shortest form decides | same rule for all numbers |
//! | An empty name inside a path | never matches | matches | accident |
//! | Letter case | Java's mapping per character | a character stands for itself, its full upper and its full lower case: `ß` is `SS`, `K` is not the Kelvin sign, `Σ` is `σ` and not `ς` | the same but for title case letters, which match themselves |
//! | An invalid `$or` | falls back to a field named `$or` | refused | hides mistakes |
//! | More than 1,000 combinations of `$or` | unlimited | refused | bounds memory |
//! | `{"anything-but": {"prefix": []}}` | accepted, then fails on every event | accepted, excludes nothing | the only sensible reading |
//! | Operators inside an object twice (`{"prefix": .., "prefix": ..}`) | refused | refused | recorded |
//!
//! Numbers are equal if their values are, however written: `300`, `300.0` and `3e2`. That holds
//! for numbers whose digits a 64-bit float keeps; others, such as `9007199254740993`, equal only
//! the same text, satisfy no `numeric`, and are refused as its operand.

mod alternatives;
mod dialect;
mod error;
mod explain;
mod field;
mod filters;
mod number;
mod operator;
mod pattern;
mod predicate;
mod program;
mod record;
mod run;
mod scan;
mod scratch;
mod standing;
mod text;
mod tree;
mod unescape;
mod walk;

pub use dialect::{Dialect, Limits, UnknownDialect};
pub use error::{PatternError, PatternFault};
pub use explain::{Explanation, Failure, Outcome, Reason};
pub use filters::Filters;
pub use record::{Mismatch, Record};
pub use scratch::Scratch;
pub use standing::Standing;
