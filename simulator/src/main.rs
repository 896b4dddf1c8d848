//! portcullis-sim: parse arguments, call one function per subcommand.

fn main() {}
