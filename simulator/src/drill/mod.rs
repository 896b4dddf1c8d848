//! Drills: agencies practise together through the real gateway. What a drill is made of, top down:
//!
//! - `scenario/`: what is practised, by whom; the list of injects (MSEL)
//! - `plot/`: the world's cases and innocents dealt to the teams as *matters*, with the truth about each
//! - `story.rs`: which moment of the world an exercise time is; `known.rs`: what of the world is known by then
//! - `clock/`: the exercise's clock; `event.rs`, `log.rs`: everything that happens, chained, on disk
//! - `playbook/`: whom an officer asks what about a matter, and what the answers say; `bot.rs`: who plays how
//! - `host/`: gateway and sources on this machine, and the only files that know the gateway's inside; `join/`: gateways that
//!   others run; `now.rs`: what time it is for them; `weather.rs`: what injects do to them; `desk.rs`: questions over the wire
//! - `live/`: a drill with people; `service/`: how they take part; `simcell.rs`: who answers release requests for
//!   agencies that nobody plays
//! - `terminal/`: the desk on a terminal, for players and trainers
//! - `smuggler.rs`: what smugglers do when they are stopped
//! - `play/`: the game; `score/`: what came of it; `report/`: the after-action report
//! - `what_if/`: a game again with one answer changed, with partners that answer from memory (`candid.rs`)
//! - `print/`: what is played from on paper when the network fails; `document/`: how pages and prints look

pub mod bot;
mod candid;
pub mod clock;
pub mod desk;
mod document;
pub mod event;
pub mod host;
pub mod join;
pub mod known;
pub mod live;
pub mod log;
pub mod now;
pub mod play;
pub mod playbook;
pub mod plot;
pub mod print;
pub mod report;
pub mod scenario;
pub mod score;
pub mod service;
pub mod simcell;
pub mod smuggler;
pub mod story;
pub mod terminal;
pub mod weather;
pub mod what_if;

/// Hexadecimal SHA-256.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}
