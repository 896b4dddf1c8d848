//! The refusal ladder and what else identity promises, over real connections.
