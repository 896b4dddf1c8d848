//! The desk of a hosted drill: before each question the agency that is asked is told what time it is.

use portcullis_sim::drill::desk::{Ask, Desk, Reply};
use portcullis_sim::drill::host::Host;
use portcullis_sim::drill::playbook::Lead;

/// Desk and host.
pub struct Hosted<'h> {
    /// The host.
    pub host: &'h mut Host,
    /// The teams' channels.
    pub desk: Desk,
}

impl Ask for Hosted<'_> {
    async fn ask(&mut self, asker: &str, lead: &Lead, now: i64) -> Reply {
        match self.host.set_now(&lead.of, now).await {
            Ok(()) => self.desk.ask(asker, lead, now).await,
            // Records of a time that is not the exercise's are told to nobody.
            Err(error) => {
                eprintln!("portcullis-sim: {error:#}");
                Reply::refused("EXERCISE_TIME_UNKNOWN")
            }
        }
    }
}
