//! What came of it: one model for simulations and load tests, for text, JSON and the page.

mod costs;
mod figure;
mod finish;
mod mapping;
mod series;
mod summary;
mod timeline;
mod whole;

pub use figure::{figure, is_cost};
pub use mapping::{MappingReport, Records};
pub use series::{MappingSeries, Series};
pub use summary::{Histogram, Summary};
pub use timeline::{Attempt, BatchBar, Lane, LogLine, Outcome, Timeline};
pub use whole::{Answer, CostLine, ExpectationReport, FunctionReport, Mode, Report, SourceReport};
