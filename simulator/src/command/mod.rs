//! One file per subcommand.

pub mod exchange;
pub mod describe;
pub mod generate;
pub mod load;
pub mod schemes;
