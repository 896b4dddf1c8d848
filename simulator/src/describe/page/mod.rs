//! The report as a page.

/// A plot.
#[derive(Debug)]
pub struct Plot;

/// The page.
pub fn write(_report: &super::Report) -> String {
    String::new()
}
