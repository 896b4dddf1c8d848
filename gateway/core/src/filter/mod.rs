//! The filter tree and the --where expression.
