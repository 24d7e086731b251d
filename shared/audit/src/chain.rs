//! Each entry's hash is over the one before: whoever changes an entry has to change all after it.

use aws_lc_rs::digest;
use prost::Message as _;

use crate::format::{Entry, Item};

/// A SHA-256.
pub(crate) type Hash = [u8; 32];

/// Where a trail has got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The number of the last entry; 0 where there is none.
    pub sequence: u64,
    /// Its hash.
    pub hash: Hash,
}

impl Link {
    /// Before the first entry.
    pub(crate) const START: Self = Self {
        sequence: 0,
        hash: [0; 32],
    };

    /// The link after an item.
    pub(crate) fn after(self, item: &[u8]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.hash);
        context.update(item);
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        Self {
            sequence: self.sequence + 1,
            hash,
        }
    }

    /// Appends an item to `buffer` as its entry, and goes on to it. The item's number is set here.
    pub(crate) fn append(&mut self, mut item: Item, buffer: &mut Vec<u8>) {
        item.sequence = self.sequence + 1;
        let item = item.encode_to_vec();
        *self = self.after(&item);
        let entry = Entry {
            item,
            hash: self.hash.to_vec(),
        };
        // A buffer that grows has room for every entry.
        let _ = entry.encode_length_delimited(buffer);
    }
}
