//! `portcullis record-type`: is a schema complete, what would be refused and why; and bringing one to a gateway.

mod check;
mod open;
mod register;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(super) use open::open;

/// Record types of your own.
#[derive(Subcommand)]
pub enum RecordTypeCommand {
    /// Say what would be refused and why, or what every field is and which treatments it can take.
    ///
    /// Without --name it looks at every message that carries labels and that no other message contains.
    Check {
        /// .proto files, or descriptor sets (`protoc --include_imports --descriptor_set_out=FILE`, buf build).
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// How they are read.
        #[command(flatten)]
        reading: Reading,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Register a record type of your agency at its gateway. A name stands for one schema for ever.
    Register {
        /// Profile of a system that may register for its agency.
        #[arg(long, value_name = "FILE")]
        profile: PathBuf,
        /// A .proto file or a descriptor set.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// How they are read.
        #[command(flatten)]
        reading: Reading,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// List what your agency registered.
    List {
        /// Profile of a system that may register for its agency.
        #[arg(long, value_name = "FILE")]
        profile: PathBuf,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Withdraw a record type of your agency: from then on nobody is answered for it.
    Withdraw {
        /// Profile of a system that may register for its agency.
        #[arg(long, value_name = "FILE")]
        profile: PathBuf,
        /// Full name.
        name: String,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// How files are read.
#[derive(Args, Default)]
pub struct Reading {
    /// Full name of the message.
    #[arg(long)]
    name: Option<String>,
    /// Where imports of .proto files are looked for; the folder of each file if none is given. The contract's
    /// own files and those of google/protobuf are always there.
    #[arg(short = 'I', long = "include", value_name = "DIR")]
    include: Vec<PathBuf>,
}

/// Runs the command; false: something is refused, and it was said why.
///
/// # Errors
/// A file that cannot be read or compiled, a profile that cannot be used.
pub async fn run(command: RecordTypeCommand, out: &mut dyn Write) -> anyhow::Result<bool> {
    match command {
        RecordTypeCommand::Check { files, reading, json } => {
            check::run(&files, &reading, json, out)
        }
        RecordTypeCommand::Register { profile, file, reading, json } => {
            register::register(&profile, &file, &reading, json, out).await
        }
        RecordTypeCommand::List { profile, json } => register::list(&profile, json, out).await,
        RecordTypeCommand::Withdraw { profile, name, json } => {
            register::withdraw(&profile, &name, json, out).await
        }
    }
}
