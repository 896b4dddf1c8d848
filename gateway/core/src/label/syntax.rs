//! What the reader of descriptor sets cannot be given: it panics where it should refuse.

use std::collections::HashSet;

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

/// A file that imports itself, through others or not, or a public import that is none of its imports.
/// prost-reflect 0.16 follows public imports without an end; no compiler of .proto files lets either through.
pub(super) fn impossible_import(set: &FileDescriptorSet) -> Option<String> {
    for file in &set.file {
        let imports = i32::try_from(file.dependency.len()).unwrap_or(i32::MAX);
        let marked = file.public_dependency.iter().chain(&file.weak_dependency);
        if marked.into_iter().any(|at| !(0..imports).contains(at)) {
            let name = file.name().escape_debug();
            return Some(format!("{name} marks an import that it does not have"));
        }
    }
    // Files whose imports are all settled settle; what is left over goes in circles.
    let mut open: Vec<_> = set.file.iter().collect();
    loop {
        let names: HashSet<&str> = open.iter().map(|file| file.name()).collect();
        let before = open.len();
        open.retain(|file| file.dependency.iter().any(|import| names.contains(import.as_str())));
        if open.len() == before {
            let first = open.first()?;
            return Some(format!(
                "{} imports itself, if through others",
                first.name().escape_debug()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use prost_types::FileDescriptorProto;

    use super::*;

    fn file(name: &str, imports: &[&str], public: &[i32]) -> FileDescriptorProto {
        FileDescriptorProto {
            name: Some(name.to_owned()),
            dependency: imports.iter().map(|import| (*import).to_owned()).collect(),
            public_dependency: public.to_vec(),
            syntax: Some("proto3".to_owned()),
            ..FileDescriptorProto::default()
        }
    }

    #[test]
    fn imports_that_go_in_circles_are_refused_before_they_are_followed() {
        for (files, fault) in [
            (vec![file("a", &["a"], &[0])], Some("a imports itself")),
            (vec![file("a", &["b"], &[0]), file("b", &["a"], &[0])], Some("a imports itself")),
            (
                vec![file("c", &[], &[]), file("a", &["c", "b"], &[]), file("b", &["a"], &[])],
                Some("a imports itself"),
            ),
            (vec![file("a", &["b"], &[1]), file("b", &[], &[])], Some("a marks an import")),
            (vec![file("a", &["b"], &[-1]), file("b", &[], &[])], Some("a marks an import")),
            (
                vec![file("a", &["b", "c"], &[0]), file("b", &["c"], &[0]), file("c", &[], &[])],
                None,
            ),
            (vec![], None),
        ] {
            let set = FileDescriptorSet { file: files };
            let found = impossible_import(&set);
            assert_eq!(found.is_some(), fault.is_some(), "{found:?}");
            assert!(found.unwrap_or_default().starts_with(fault.unwrap_or_default()));
            if let Some(fault) = fault {
                use prost::Message as _;
                let bytes = bytes::Bytes::from(set.encode_to_vec());
                let errors = crate::label::RecordType::register(&bytes, "x.Y").unwrap_err();
                assert!(errors.iter().any(|error| error.to_string().contains(fault)), "{errors:?}");
            }
        }
    }
}
