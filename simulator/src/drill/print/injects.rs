//! Injects, one a page, as players are given them: nothing of what is expected of them, and nothing of whether it is true.

use super::Pack;
use crate::drill::document::{Block, Document, Table, Text};
use crate::drill::scenario::{Happening, msel};

pub(super) fn all(pack: &Pack) -> Document {
    let mut out = pack.paper("Injects, to hand out one by one");
    out.cover = true;
    for entry in &pack.scenario.msel.entries {
        out.body.push(Block::Page);
        out.section(format!("Inject {}", entry.number));
        let mut rows = Table::new(&["", ""]);
        let when = match entry.kind {
            Happening::Contingency => "when the controller says so".to_owned(),
            _ => msel::time(entry.at),
        };
        let to = if entry.receiver == "ALL" { "everybody" } else { &entry.receiver };
        for (name, told) in [
            ("exercise time", when.as_str()),
            ("from", &entry.sender),
            ("to", to),
            ("what", kind(entry.kind)),
        ] {
            rows.row([Text::default().bold(name).into(), told.into()]);
        }
        out.table(rows);
        out.heading(entry.content.as_str());
        out.heading("Your notes");
        out.body.push(Block::Lines(8));
    }
    out
}

/// What players are told that it is: a false tip is a tip, and nobody knows that a contingency waited for them.
fn kind(kind: Happening) -> &'static str {
    match kind {
        Happening::Tip | Happening::FalseTip => "tip",
        Happening::Contingency => "message",
        Happening::WorldEvent => "event",
        Happening::Document => "document",
        Happening::PartnerRequest => "request of a partner",
        Happening::AgreementSuspended => "an agreement is suspended",
        Happening::InspectorsOff => "inspectors are off",
        Happening::GatewaySlow => "the gateway is slow",
        Happening::PeerDown => "a partner cannot be reached",
        Happening::Media => "news",
    }
}
