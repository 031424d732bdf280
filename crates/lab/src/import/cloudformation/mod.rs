//! CloudFormation templates, also those that SAM and CDK begin with or end in.

mod calls;
mod conditions;
mod kinds;
mod mappings;
mod resources;
mod sam;
mod template;

pub(crate) use kinds::is_known;
pub(crate) use mappings::gather;
pub(crate) use template::Template;
