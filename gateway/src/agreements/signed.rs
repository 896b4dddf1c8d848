//! Signed statements: a C2SP signed note (c2sp.org/signed-note) whose text is the statement and whose key is
//! named after the agency. The agency's own key signs, never the gateway's.

use std::collections::HashMap;

use portcullis_core::act::{ActRefusal, Exchange, Statement};
use portcullis_core::id::AgencyId;

use crate::audit::{LogSigner, LogVerifier, NoteError, split_note};

/// Keys that speak for each agency.
pub type AgencyKeys = HashMap<AgencyId, Vec<LogVerifier>>;

/// Signs a statement. The key's name is the agency's id.
pub fn sign(statement: &Statement, key: &LogSigner) -> String {
    key.sign_text(&statement.text())
}

/// Opens a signed statement of this exchange: by whom it says it is, under a key that is known to be theirs.
///
/// # Errors
/// Not a statement, of another exchange, or not signed by the agency that it names.
pub fn open(note: &str, exchange: &Exchange, keys: &AgencyKeys) -> Result<Statement, ActRefusal> {
    let (text, _) = split_note(note).map_err(|_| ActRefusal::NotAStatement)?;
    let statement = Statement::parse(text)?;
    if statement.exchange != *exchange {
        return Err(ActRefusal::OtherExchange);
    }
    for key in keys.get(&statement.by).into_iter().flatten() {
        match key.open_text(note) {
            // What was read is what was signed: one function found where the text ends.
            Ok(_) => return Ok(statement),
            Err(NoteError::BadSignature) => return Err(ActRefusal::SignatureWrong),
            Err(NoteError::NotSigned) => {}
            Err(_) => return Err(ActRefusal::NotAStatement),
        }
    }
    Err(ActRefusal::KeyUnknown)
}
