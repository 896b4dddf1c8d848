//! One file per subcommand.

pub mod describe;
pub mod exchange;
pub mod generate;
pub mod load;
pub mod schemes;
pub mod verify;
