//! Functions of a scenario: how long they take, and how they fail.

mod behaviour;
mod environments;
mod model;
mod other_load;

pub(crate) use model::FunctionModel;
