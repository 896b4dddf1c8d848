//! One file per subcommand.

pub mod source;
