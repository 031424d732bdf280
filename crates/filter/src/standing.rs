//! What can stand at a place of events.

/// Which values can stand at a place of events, as far as the sender of the pattern cannot know better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// None: there is no such place, or an object stands there.
    Nothing,
    /// Strings, or lists of strings.
    Text,
    /// Numbers.
    Number,
    /// `true` and `false`.
    Boolean,
    /// Any value.
    Anything,
}
