//! Setters of types that may gain members: whoever builds one begins with its constructor.

/// Writes a setter for each of the members named, beside a constructor that takes what has no default.
#[doc(hidden)]
#[macro_export]
macro_rules! setters {
    ($type:ty { $($setter:ident sets $field:ident: $kind:ty),+ $(,)? }) => {
        impl $type {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $setter(mut self, $field: $kind) -> Self {
                    self.$field = $field;
                    self
                }
            )+
        }
    };
}
