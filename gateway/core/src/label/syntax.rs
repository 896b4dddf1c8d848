//! What the reader of descriptor sets cannot be given: it panics where it should refuse.

use prost_types::FileDescriptorSet;

/// The first file that is written in neither proto2 nor proto3, and in what. prost-reflect 0.16 looks for its
/// place in a list that it is not in yet.
pub(super) fn unknown_syntax(set: &FileDescriptorSet) -> Option<String> {
    set.file.iter().find_map(|file| match file.syntax() {
        "" | "proto2" | "proto3" if file.syntax.as_deref() != Some("") => None,
        other => Some(format!(
            "{} is written in syntax `{}`, not in proto2 or proto3",
            file.name().escape_debug(),
            other.escape_debug()
        )),
    })
}
