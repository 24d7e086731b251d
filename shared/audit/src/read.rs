//! From a file to its entries, as far as they are sound.

use prost::Message as _;

use crate::{
    chain::Link,
    format::{Content, Entry, Header, Item},
};

/// Why the next entry is not sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The file ends within it.
    Unfinished,
    /// It is no entry at all, or has bytes that no writer makes.
    Unreadable,
    /// It is an entry, and not the one that its hash was made of or that follows the one before.
    Changed,
    /// It is sound in itself by its number, and another should be here: this one.
    OutOfOrder(u64),
}

/// Reads the entries of one file, from its first.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
    link: Link,
}

impl<'a> Reader<'a> {
    /// Of a file's bytes, which begins after `link`.
    pub(crate) const fn new(bytes: &'a [u8], link: Link) -> Self {
        Self {
            bytes,
            offset: 0,
            link,
        }
    }

    /// Where the next entry begins, in bytes.
    pub(crate) const fn offset(&self) -> usize {
        self.offset
    }

    /// Where the trail has got to.
    pub(crate) const fn link(&self) -> Link {
        self.link
    }

    /// Bytes that were not read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    /// The next entry; none at the end.
    ///
    /// # Errors
    /// [`Flaw`]; nothing after it can be read.
    pub(crate) fn next(&mut self) -> Option<Result<Item, Flaw>> {
        let rest = self.rest();
        if rest.is_empty() {
            return None;
        }
        Some(self.entry(rest))
    }

    fn entry(&mut self, rest: &[u8]) -> Result<Item, Flaw> {
        let (entry, length) = delimited::<Entry>(rest)?;
        let item = Item::decode(&*entry.item).map_err(|_| Flaw::Unreadable)?;
        let link = self.link.after(&entry.item);
        if item.sequence != link.sequence {
            return Err(Flaw::OutOfOrder(item.sequence));
        }
        if entry.hash != link.hash {
            return Err(Flaw::Changed);
        }
        self.link = link;
        self.offset += length;
        Ok(item)
    }
}

/// A message with its length before it, and the bytes of both.
pub(crate) fn delimited<M: prost::Message + Default>(bytes: &[u8]) -> Result<(M, usize), Flaw> {
    let mut rest = bytes;
    let length = match prost::decode_length_delimiter(&mut rest) {
        Ok(length) => length,
        // A varint has at most ten bytes.
        Err(_) if bytes.len() < 10 => return Err(Flaw::Unfinished),
        Err(_) => return Err(Flaw::Unreadable),
    };
    let body = rest.get(..length).ok_or(Flaw::Unfinished)?;
    let message = M::decode(body).map_err(|_| Flaw::Unreadable)?;
    // There is one way to write a message: bytes that nothing is read from could say anything.
    let prefix = bytes.len() - rest.len();
    if message.encoded_len() != length || prost::length_delimiter_len(length) != prefix {
        return Err(Flaw::Unreadable);
    }
    Ok((message, prefix + length))
}

/// The header that a file begins with, whatever came before.
pub(crate) fn header(bytes: &[u8]) -> Option<(Header, u64)> {
    let (entry, _) = delimited::<Entry>(bytes).ok()?;
    let item = Item::decode(&*entry.item).ok()?;
    match item.content {
        Some(Content::Header(header)) => Some((header, item.sequence)),
        _ => None,
    }
}

/// When the file that begins so was begun, in nanoseconds since 1970.
pub(crate) fn begun(bytes: &[u8]) -> Option<u64> {
    let (entry, _) = delimited::<Entry>(bytes).ok()?;
    let item = Item::decode(&*entry.item).ok()?;
    matches!(item.content, Some(Content::Header(_))).then_some(item.time)
}
