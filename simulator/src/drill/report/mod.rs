//! The after-action report.
