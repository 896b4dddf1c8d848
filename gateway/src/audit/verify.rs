//! Checking a log from its file alone.
