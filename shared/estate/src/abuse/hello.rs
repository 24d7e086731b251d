//! The first message of a TLS handshake by hand: rustls as it is here offers nothing but TLS 1.3.

/// Suites that servers of TLS 1.2 and lower take: ECDHE and RSA with AES (RFC 5289, RFC 4492, RFC 5246).
const SUITES: [u16; 8] = [
    0xc02b, 0xc02c, 0xc02f, 0xc030, 0xc009, 0xc013, 0x009c, 0x002f,
];
/// P-256, P-384 and X25519 (RFC 8422, section 5.1.1).
const GROUPS: [u16; 3] = [23, 24, 29];
/// ECDSA and RSA, with SHA-256 and SHA-1 (RFC 5246, section 7.4.1.4.1).
const SIGNATURES: [u16; 4] = [0x0403, 0x0401, 0x0203, 0x0201];

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;

/// A ClientHello (RFC 5246, section 7.4.1.2) that offers `version` (0x0303 is TLS 1.2) and no newer one. A
/// server that takes it answers with a record of type 22, one that does not with an alert, 21, or nothing.
/// A `host` of more than 255 bytes is none.
#[must_use]
pub fn client_hello(host: &str, version: u16) -> Vec<u8> {
    let name = listed(&[&[0][..], &listed(host.as_bytes())].concat());
    let extensions = [
        extension(SERVER_NAME, &name),
        extension(SUPPORTED_GROUPS, &listed(&numbers(&GROUPS))),
        extension(POINT_FORMATS, &[1, 0]),
        extension(SIGNATURE_ALGORITHMS, &listed(&numbers(&SIGNATURES))),
    ];
    let body = [
        &version.to_be_bytes()[..],
        // The random, of which nothing depends here, and no session.
        &[0x5a; 32],
        &[0],
        &listed(&numbers(&SUITES)),
        // No compression.
        &[1, 0],
        &listed(&extensions.concat()),
    ]
    .concat();
    // A handshake message of type 1 with a length of three bytes, in a record of type 22.
    let message = [&[1, 0][..], &listed(&body)].concat();
    [&[22, 3, 1][..], &listed(&message)].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &listed(content)].concat()
}

fn numbers(numbers: &[u16]) -> Vec<u8> {
    let numbers = numbers.iter().map(|number| number.to_be_bytes());
    numbers.collect::<Vec<_>>().concat()
}

/// With its length before it, in two bytes.
fn listed(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_what_follows() {
        let hello = client_hello("localhost", 0x0303);
        let [kind, _, _, a, b, message @ ..] = hello.as_slice() else {
            panic!("{hello:?}");
        };
        assert_eq!(*kind, 22);
        assert_eq!(usize::from(u16::from_be_bytes([*a, *b])), message.len());
        let [1, a, b, c, body @ ..] = message else {
            panic!("{message:?}");
        };
        assert_eq!(u32::from_be_bytes([0, *a, *b, *c]) as usize, body.len());
        assert_eq!(body[..2], [3, 3]);
    }
}
