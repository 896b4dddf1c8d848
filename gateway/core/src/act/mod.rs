//! What agencies do with agreements: a [`Statement`] is one act of one agency, as text that the agency signs;
//! a [`Life`] is what the statements about an agreement have come to. Who signed what is checked elsewhere: here
//! is neither key nor clock.

mod life;
mod refusal;
mod statement;
#[cfg(test)]
mod tests;

pub use life::{Life, Version};
pub use refusal::ActRefusal;
pub use statement::{Act, Exchange, Statement};
