//! What came of it: one model for simulations and load tests, for text, JSON and the page.

mod answers;
mod buckets;
mod costs;
mod figure;
mod finish;
mod mapping;
mod page;
mod series;
mod settings;
mod summary;
mod text;
mod timeline;
mod units;
mod whole;
mod words;

pub use answers::answers;
pub use figure::{figure, is_cost};
pub use mapping::{MappingReport, Records};
pub use page::html;
pub use series::{MappingSeries, Series};
pub use summary::{Histogram, Summary};
pub use text::text;
pub(crate) use text::{Grid, heading};
pub use timeline::{Attempt, BatchBar, Lane, LogLine, Outcome, Timeline};
pub use whole::{Answer, CostLine, ExpectationReport, FunctionReport, Mode, Report, SourceReport};
pub(crate) use words::{figure as shown_figure, name as figure_name};
