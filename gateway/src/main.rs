//! portcullis: parse arguments, load configuration, call one function per subcommand.

fn main() {}
