//! The contract holds what it promises: labels, names, comments, the strict codec, no value in `Debug`, no
//! wire break, digests that others reproduce, and a README that tells the truth.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests: what is wrong here must stop them"
)]

mod codec;
mod debug;
mod digest;
mod golden;
mod labels;
mod readme;
mod shape;

use prost_reflect::{DescriptorPool, MessageDescriptor};

/// The compiled contract.
pub fn pool() -> DescriptorPool {
    DescriptorPool::decode(portcullis_proto::DESCRIPTOR_SET).expect("descriptor set")
}

/// Messages of our own packages, nested ones included, by full name.
pub fn messages(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    let mut ours: Vec<_> = pool
        .all_messages()
        .filter(|message| message.full_name().starts_with("portcullis."))
        .collect();
    ours.sort_by(|one, two| one.full_name().cmp(two.full_name()));
    ours
}
