//! HTTP/2 by hand: what no honest peer sends.

use tokio::io::{self, AsyncRead, AsyncReadExt as _};

/// What a client begins with (RFC 9113, section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// POST http://a/ (RFC 7541, appendix A; the authority is a literal).
const REQUEST: &[u8] = &[0x83, 0x86, 0x84, 0x41, 0x01, b'a'];

/// A frame (RFC 9113, section 4.1), sound or not.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What it is: section 6 has the list.
    pub kind: u8,
    /// What its kind makes of them.
    pub flags: u8,
    /// 0 stands for the connection.
    pub stream: u32,
    /// What follows the head.
    pub payload: Vec<u8>,
}

#[expect(missing_docs, reason = "the names are those of RFC 9113, section 6")]
impl Frame {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const PRIORITY: u8 = 2;
    pub const RESET: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;

    pub const END_STREAM: u8 = 1;
    pub const END_HEADERS: u8 = 4;
}

impl Frame {
    /// A frame.
    #[must_use]
    pub fn new(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        Self {
            kind,
            flags,
            stream,
            payload: payload.to_vec(),
        }
    }

    /// The head of a request, with flags.
    #[must_use]
    pub fn request(stream: u32, flags: u8) -> Self {
        Self::new(Self::HEADERS, flags, stream, REQUEST)
    }

    /// A reset of a stream: CANCEL.
    #[must_use]
    pub fn reset(stream: u32) -> Self {
        Self::new(Self::RESET, 0, stream, &8_u32.to_be_bytes())
    }

    /// The next that comes.
    ///
    /// # Errors
    /// When the connection is over.
    pub async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let mut head = [0; 9];
        from.read_exact(&mut head).await?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        from.read_exact(&mut payload).await?;
        Ok(Self {
            kind,
            flags,
            stream: u32::from_be_bytes(stream),
            payload,
        })
    }

    /// As it is sent. What is longer than a frame may be wraps.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let [_, length @ ..] = (self.payload.len() as u32).to_be_bytes();
        let mut bytes = length.to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }
}

/// A field that is never indexed, without Huffman coding (RFC 7541, section 6.2.2).
#[must_use]
pub fn field(name: &str, value: &str) -> Vec<u8> {
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
        to.push(length as u8);
        return;
    }
    to.push(127);
    length -= 127;
    while length >= 128 {
        to.push((length % 128) as u8 | 128);
        length /= 128;
    }
    to.push(length as u8);
}
