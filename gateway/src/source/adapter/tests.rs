//! Tests of the adapter as a whole.
