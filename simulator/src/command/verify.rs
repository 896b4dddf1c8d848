//! `portcullis-sim verify`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use portcullis_sim::rng::Seed;
use portcullis_sim::verify::{self, Gateway, Opened, Order, Plans};
use portcullis_sim::world::pack::Pack;

/// Arguments of `verify`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder that `generate` wrote.
    folder: PathBuf,
    /// Pack that it was made from.
    #[arg(long)]
    pack: PathBuf,
    /// Seed that it was made with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder of plans of the active policy: `REQUESTER/RECORD_TYPE.json`, each what `portcullis explain --json` printed.
    #[arg(long)]
    plans: Option<PathBuf>,
    /// Folder of client profiles, `AGENCY-SYSTEM.toml`: the running gateway they name is asked for its plans.
    #[arg(long, conflicts_with = "plans")]
    gateway: Option<PathBuf>,
    /// Purpose for which the gateway is asked.
    #[arg(long, default_value = "INVESTIGATION")]
    purpose: String,
    /// Case for which the gateway is asked.
    #[arg(long)]
    case: Option<String>,
    /// The gateway's client program.
    #[arg(long, default_value = "portcullis")]
    portcullis: PathBuf,
    /// Threads; as many as there are processors where nothing is said.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

/// Verifies. An error when a case is not certified, after the certificate is printed.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let pack = Pack::read(&arguments.pack)?;
    let seed = Seed(arguments.seed);
    let opened = Opened::read(&arguments.folder, &pack, seed)?;
    let plans = match (&arguments.plans, &arguments.gateway) {
        (Some(folder), _) => Some(Plans::read(folder)?),
        (None, Some(profiles)) => Some(
            Gateway {
                program: arguments.portcullis.clone(),
                profiles: profiles.clone(),
                purpose: arguments.purpose.clone(),
                case: arguments.case.clone(),
            }
            .plans(&opened.wanted())?,
        ),
        (None, None) => None,
    };
    let threads = super::threads(arguments.threads).get();
    let order = Order { pack: &pack, seed, plans: plans.as_ref(), threads };
    let certificate = opened.certify(&order)?;
    let text = if arguments.json {
        serde_json::to_string_pretty(&certificate)? + "\n"
    } else {
        verify::as_text(&certificate)
    };
    super::print(&text)?;
    anyhow::ensure!(certificate.holds(), "not every case is certified");
    Ok(())
}
