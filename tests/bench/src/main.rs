//! Speed beside peers, in one run.

fn main() {}
