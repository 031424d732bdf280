//! What `terraform show -json` prints of a state or a plan (Terraform documentation, "JSON Output Format").

mod expressions;
mod made;
mod mappings;
mod names;
mod plan;

pub(crate) use mappings::gather;
