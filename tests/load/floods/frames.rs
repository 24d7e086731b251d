//! HTTP/2 by hand: what no honest client sends.

/// What a client begins with (RFC 9113, section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RESET: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
pub(super) const WHOLE: u8 = END_STREAM | END_HEADERS;

/// SETTINGS_INITIAL_WINDOW_SIZE = 0 (RFC 9113, section 6.5.2).
pub(super) const NO_WINDOW: &[u8] = &[0, 4, 0, 0, 0, 0];

/// A frame (RFC 9113, section 4.1).
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The client's `number`th stream.
pub(super) const fn stream(number: u32) -> u32 {
    1 + 2 * number
}

/// A reset of a stream: CANCEL.
pub(super) fn reset(stream: u32) -> Vec<u8> {
    frame(RESET, 0, stream, &8_u32.to_be_bytes())
}

/// A field that is never indexed, without Huffman coding (RFC 7541, section 6.2.2).
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    let mut field = vec![0];
    for text in [name, value] {
        length(text.len(), &mut field);
        field.extend(text.as_bytes());
    }
    field
}

/// An integer with a prefix of seven bits (RFC 7541, section 5.1).
fn length(mut length: usize, to: &mut Vec<u8>) {
    if length < 127 {
        to.push(u8::try_from(length).unwrap());
        return;
    }
    to.push(127);
    length -= 127;
    while length >= 128 {
        to.push(u8::try_from(length % 128).unwrap() | 128);
        length /= 128;
    }
    to.push(u8::try_from(length).unwrap());
}

/// A field block.
pub(super) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let fields = fields.iter().map(|(name, value)| field(name, value));
    fields.collect::<Vec<_>>().concat()
}
