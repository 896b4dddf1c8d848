//! The samples of this repository load and hold what their README promises.
