//! Texts of some fields of a serialized record: what a budget of distinct subjects is counted by.

use std::sync::Arc;

use super::WireError;
use super::bind::wanted_nodes;
use super::scan::{Raw, Scan};
use crate::label::{LeafId, NodeId, RecordType, Target};

/// Finds the texts of some leaves. What is on the way is read as a filter reads it.
#[derive(Debug, Clone)]
pub struct TextFields {
    record_type: Arc<RecordType>,
    leaves: Vec<LeafId>,
    wanted_nodes: Vec<bool>,
}

impl TextFields {
    /// For these leaves; leaves that are not texts have none.
    pub fn new(record_type: Arc<RecordType>, mut leaves: Vec<LeafId>) -> Self {
        leaves.sort_unstable();
        leaves.dedup();
        let wanted_nodes = wanted_nodes(&record_type, &leaves);
        Self { record_type, leaves, wanted_nodes }
    }

    /// Hands on every text that is not empty, with its leaf.
    ///
    /// # Errors
    /// The bytes on the way to the fields are not a serialization of the record type.
    pub fn each<'a>(
        &self,
        payload: &'a [u8],
        hand: &mut dyn FnMut(LeafId, &'a str),
    ) -> Result<(), WireError> {
        if self.leaves.is_empty() { Ok(()) } else { self.walk(NodeId(0), payload, hand) }
    }

    fn walk<'a>(
        &self,
        id: NodeId,
        bytes: &'a [u8],
        hand: &mut dyn FnMut(LeafId, &'a str),
    ) -> Result<(), WireError> {
        let Some(node) = self.record_type.node(id) else { return Ok(()) };
        let mut scan = Scan::new(bytes);
        while let Some((number, raw)) = scan.field()? {
            let (Some(field), Raw::Bytes(inner)) = (node.field(number), raw) else { continue };
            match field.target {
                Target::Node(below)
                    if self.wanted_nodes.get(below.index()).copied().unwrap_or(false) =>
                {
                    self.walk(below, inner, hand)?;
                }
                Target::Leaf(leaf) if self.leaves.binary_search(&leaf).is_ok() => {
                    let text = std::str::from_utf8(inner).map_err(|_| WireError::InvalidUtf8)?;
                    if !text.is_empty() {
                        hand(leaf, text);
                    }
                }
                Target::Node(_) | Target::Leaf(_) | Target::Whole(..) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use portcullis_proto::record::v1::{Declaration, DeclarationItem, TradeParty};
    use prost::Message as _;

    use super::*;

    #[test]
    fn finds_every_text_of_its_fields_and_no_other() {
        let set = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
        let of = RecordType::register(&set, "portcullis.record.v1.Declaration").unwrap();
        let leaf = |path: &str| of.leaf_by_path(path).unwrap().id;
        let wanted = vec![leaf("importer.id"), leaf("items.hs_code"), leaf("exporter.id")];
        let party = |id: &str| Some(TradeParty { id: id.into(), ..TradeParty::default() });
        let item = |code: &str| DeclarationItem { hs_code: code.into(), ..Default::default() };
        let record = Declaration {
            id: "D".into(),
            importer: party("one"),
            exporter: party(""),
            items: vec![item("85"), item("86"), item("85")],
            ..Declaration::default()
        };
        let bytes = record.encode_to_vec();
        let fields = TextFields::new(Arc::new(of.clone()), wanted.clone());
        let mut found = vec![];
        fields.each(&bytes, &mut |leaf, text| found.push((leaf, text.to_owned()))).unwrap();
        found.sort();
        let code = |text: &str| (wanted[1], text.to_owned());
        let mut expected = vec![(wanted[0], "one".to_owned()), code("85"), code("85"), code("86")];
        expected.sort();
        assert_eq!(found, expected);
        let cut = &bytes[..bytes.len() - 1];
        assert!(fields.each(cut, &mut |_, _| ()).is_err());
        // What lies elsewhere is not judged: the last item is cut, with its message's length right.
        let importer = TextFields::new(Arc::new(of.clone()), vec![wanted[0]]);
        let broken = [&bytes[..], &[0xb2, 0x01, 1, 0x0a]].concat();
        assert!(fields.each(&broken, &mut |_, _| ()).is_err());
        let mut found = vec![];
        importer.each(&broken, &mut |_, text| found.push(text.to_owned())).unwrap();
        assert_eq!(found, ["one"]);
        let none = TextFields::new(Arc::new(of), vec![]);
        none.each(cut, &mut |_, _| panic!("nothing was wanted")).unwrap();
    }
}
