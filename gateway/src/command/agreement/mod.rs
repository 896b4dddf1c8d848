//! `portcullis agreement`: write, check and sign agreements, and live with them at a gateway.

mod acts;
mod check;
mod text;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(super) use acts::{moment, within};

/// Agreements.
#[derive(Subcommand)]
pub enum AgreementCommand {
    /// Print a text to start from: every key, explained.
    New {
        /// Its id.
        id: String,
        /// Its parties; the first one gives records to the others.
        #[arg(long, value_delimiter = ',', required = true, value_name = "AGENCY,..")]
        parties: Vec<String>,
    },
    /// Say what is wrong with a text, with line and column.
    Check {
        /// The text.
        file: PathBuf,
        /// How record types beyond the contract's are found.
        #[command(flatten)]
        types: Types,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Sign a text with your agency's key, and bring it to the gateway; who signs first proposes it.
    Sign {
        /// The text, the very bytes that are signed.
        file: PathBuf,
        /// With which key and where.
        #[command(flatten)]
        signing: Signing,
        /// How record types beyond the contract's are found.
        #[command(flatten)]
        types: Types,
        /// Bring it to no gateway: write FILE.AGENCY.sig beside the text, for a gateway's configuration.
        #[arg(long, conflicts_with_all = ["profile", "json"], requires = "exchange", requires = "agency")]
        offline: bool,
        /// With --offline: trust domain and environment, such as `portcullis.example EXERCISE`.
        #[arg(long, requires = "offline", value_name = "DOMAIN ENVIRONMENT")]
        exchange: Option<String>,
        /// With --offline: your agency.
        #[arg(long, requires = "offline")]
        agency: Option<String>,
    },
    /// Accede to an agreement whose text is open to your agency.
    Accede {
        /// The text, as the parties signed it.
        file: PathBuf,
        /// With which key and where.
        #[command(flatten)]
        signing: Signing,
        /// How record types beyond the contract's are found.
        #[command(flatten)]
        types: Types,
    },
    /// Agree to another agency's accession.
    Consent {
        /// Which agreement.
        id: String,
        /// Which agency.
        agency: String,
        /// With which key and where.
        #[command(flatten)]
        signing: Signing,
    },
    /// Take away of flows from or to your agency.
    Reserve {
        /// Which agreement.
        id: String,
        /// FLOW (from 1, or `*`) and what: `1 purpose INVESTIGATION`, `* field importer.id presence`,
        /// `2 record-type NAME`, `1 match importer.id`.
        #[arg(long = "take", required = true, value_name = "FLOW WHAT")]
        takes: Vec<String>,
        /// With which key and where.
        #[command(flatten)]
        signing: Signing,
    },
    /// Suspend all of an agreement.
    Suspend {
        /// Which agreement.
        id: String,
        /// With which key and where.
        #[command(flatten)]
        signing: Signing,
    },
    /// Lift your own suspension.
    Resume {
        /// Which agreement.
        id: String,
        /// With which key and where.
        #[command(flatten)]
        signing: Signing,
    },
    /// Leave an agreement; only what flows from and to your agency ends.
    Withdraw {
        /// Which agreement.
        id: String,
        /// From when on, such as 2027-01-01T00:00:00Z; at once if not given.
        #[arg(long, value_name = "TIME")]
        effective: Option<String>,
        /// With which key and where.
        #[command(flatten)]
        signing: Signing,
    },
    /// End all of an agreement.
    Terminate {
        /// Which agreement.
        id: String,
        /// From when on, such as 2027-01-01T00:00:00Z; at once if not given.
        #[arg(long, value_name = "TIME")]
        effective: Option<String>,
        /// With which key and where.
        #[command(flatten)]
        signing: Signing,
    },
    /// List your agency's agreements and how they stand.
    List {
        /// Profile of a system of your agency.
        #[arg(long, value_name = "FILE")]
        profile: PathBuf,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Show an agreement's text, as it is signed.
    Show {
        /// Profile of a system of your agency.
        #[arg(long, value_name = "FILE")]
        profile: PathBuf,
        /// Which agreement.
        id: String,
        /// Which version; the one that counts now if not given.
        #[arg(long, default_value_t = 0)]
        version: u32,
    },
    /// Tell what is done with your agency's agreements, one line each, until it is ended.
    Watch {
        /// Profile of a system of your agency.
        #[arg(long, value_name = "FILE")]
        profile: PathBuf,
        /// Place of the last line that is known.
        #[arg(long, default_value_t = 0)]
        after: i64,
    },
}

/// With which key a statement is signed, and where it is brought.
#[derive(Args)]
pub struct Signing {
    /// Your agency's agreement key (`portcullis keys agreement`).
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Profile of a system of your agency.
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Why, in one line, for the other parties.
    #[arg(long, default_value = "")]
    pub reason: String,
    /// One JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Record types beyond the contract's.
#[derive(Args)]
pub struct Types {
    /// Descriptor sets or .proto files of record types that the text names.
    #[arg(long = "types", value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Runs the command; false: something is refused, and it was said why.
///
/// # Errors
/// A file that cannot be read, a profile or key that cannot be used.
pub async fn run(command: AgreementCommand, out: &mut dyn Write) -> anyhow::Result<bool> {
    use AgreementCommand as C;
    match command {
        C::New { id, parties } => text::new(&id, &parties, out),
        C::Check { file, types, json } => check::run(&file, &types, json, out),
        C::Sign { file, signing, types, offline: true, exchange, agency } => {
            let exchange = exchange.unwrap_or_default();
            let agency = agency.unwrap_or_default();
            acts::sign_offline(&file, &signing, &types, &exchange, &agency, out)
        }
        C::Sign { file, signing, types, .. } => {
            acts::sign(&file, &signing, &types, acts::With::Sign, out).await
        }
        C::Accede { file, signing, types } => {
            acts::sign(&file, &signing, &types, acts::With::Accede, out).await
        }
        C::Consent { id, agency, signing } => {
            acts::act(&id, &signing, acts::consent(&agency), out).await
        }
        C::Reserve { id, takes, signing } => {
            acts::act(&id, &signing, acts::reserve(&takes)?, out).await
        }
        C::Suspend { id, signing } => acts::act(&id, &signing, acts::suspend(), out).await,
        C::Resume { id, signing } => acts::act(&id, &signing, acts::resume(), out).await,
        C::Withdraw { id, effective, signing } => {
            let at = acts::moment(effective.as_deref())?;
            acts::act(&id, &signing, acts::withdraw(at), out).await
        }
        C::Terminate { id, effective, signing } => {
            let at = acts::moment(effective.as_deref())?;
            acts::act(&id, &signing, acts::terminate(at), out).await
        }
        C::List { profile, json } => acts::list(&profile, json, out).await,
        C::Show { profile, id, version } => acts::show(&profile, &id, version, out).await,
        C::Watch { profile, after } => acts::watch(&profile, after, out).await,
    }
}
