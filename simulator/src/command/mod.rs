//! One file per subcommand.

pub mod generate;
pub mod load;
pub mod schemes;
