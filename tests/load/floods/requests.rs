//! What a flood asks for, in bytes: the heads an honest client would send, and what follows them
//! that none would.

use strata_testkit::{Frame, field};

/// END_STREAM and END_HEADERS.
pub(super) const WHOLE: u8 = Frame::END_STREAM | Frame::END_HEADERS;

/// SETTINGS_INITIAL_WINDOW_SIZE = 0 (RFC 9113, section 6.5.2).
pub(super) const NO_WINDOW: &[u8] = &[0, 4, 0, 0, 0, 0];

/// Whom requests are from.
#[derive(Clone)]
pub(super) struct Requests {
    /// Of a user who has signed in, at an edge.
    pub(super) token: Option<String>,
    /// What a workload says of the user it calls for, at a hop.
    pub(super) principal: Vec<(String, String)>,
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    Frame::new(kind, flags, stream, payload).bytes()
}

/// The client's `number`th stream.
pub(super) const fn stream(number: u32) -> u32 {
    1 + 2 * number
}

impl Requests {
    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.token.as_deref().unwrap_or_default())
    }

    /// A field block: an HTTP request's.
    pub(super) fn http(&self, method: &str, path: &str) -> Vec<u8> {
        let bearer = self.bearer();
        let mut fields = vec![
            (":method", method),
            (":scheme", "https"),
            (":path", path),
            (":authority", "localhost"),
        ];
        if self.token.is_some() {
            fields.push(("authorization", &bearer));
        }
        block(&fields)
    }

    /// A field block: a call's.
    pub(super) fn grpc(&self, encoding: Option<&str>) -> Vec<u8> {
        let mut fields = vec![
            (":method", "POST"),
            (":scheme", "https"),
            (":path", "/system.customers.v1.CustomersService/GetCustomer"),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ];
        fields.extend(encoding.map(|encoding| ("grpc-encoding", encoding)));
        let principal = self.principal.iter();
        fields.extend(principal.map(|(name, value)| (name.as_str(), value.as_str())));
        block(&fields)
    }

    /// The head of a change over HTTP/1.1, whose body follows.
    pub(super) fn change(&self, length: usize, encoding: Option<&str>) -> String {
        let encoding = encoding.map_or_else(String::new, |encoding| {
            format!("content-encoding: {encoding}\r\n")
        });
        format!(
            "PATCH /v1/me/contact HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\
             content-type: application/json\r\n{encoding}content-length: {length}\r\n\r\n",
            self.bearer()
        )
    }

    /// Calls of one message each, of which `length` is said.
    pub(super) fn calls(
        &self,
        round: u32,
        encoding: Option<&str>,
        length: u32,
        message: &[u8],
    ) -> Vec<u8> {
        let head = self.grpc(encoding);
        let mut data = vec![u8::from(encoding.is_some())];
        data.extend(length.to_be_bytes());
        data.extend(message);
        let calls = (0..4).map(|at| {
            let id = stream(4 * round + at);
            let mut call = frame(Frame::HEADERS, Frame::END_HEADERS, id, &head);
            call.extend(frame(Frame::DATA, Frame::END_STREAM, id, &data));
            call
        });
        calls.collect::<Vec<_>>().concat()
    }
}

fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let fields = fields.iter().map(|(name, value)| field(name, value));
    fields.collect::<Vec<_>>().concat()
}
