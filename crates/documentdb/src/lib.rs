//! Change streams of Amazon DocumentDB and MongoDB as event sources.
