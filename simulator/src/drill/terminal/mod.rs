//! The desk on a terminal, for players and trainers: only another client of the drill and of the gateway.
//!
//! - `message.rs`: what a desk is told, and what it wants done; `model/`: the desk as it stands, folded from messages
//! - `draw/`: the screens, each a function of the model; `text.rs`: widths
//! - `form.rs`, `editor.rs`: what is filled in; `question.rs`, `exchange.rs`: what is asked, and what it brought
//! - `request.rs`: release requests, those of others and the own
//! - `runner.rs`: does over the network what the model wants; `screen.rs`: the terminal itself

pub mod draw;
pub mod editor;
pub mod exchange;
pub mod form;
pub mod message;
pub mod model;
pub mod news;
pub mod question;
pub mod request;
pub mod runner;
pub mod screen;
pub mod text;

#[cfg(test)]
mod tests;
