//! What an HTTP/2 peer sends beside its requests. hyper and h2 answer every PING and SETTINGS for as
//! long as the answers are read, and count none of them (h2 counts resets and empty DATA:
//! <https://github.com/hyperium/h2/pull/668>, <https://github.com/hyperium/h2/pull/737>), so a peer
//! could keep a core busy and never ask for anything (CVE-2019-9512, CVE-2019-9515).

/// Length of a frame's head (RFC 9113, section 4.1).
const HEAD: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const CONTINUATION: u8 = 9;

/// Frames a connection may send that neither ask for anything nor follow from an answer, beyond
/// those below: a PING every few seconds does not come to that in the age of a connection.
const FREE: u32 = 10_000;

/// Resets a connection may send beyond one for every second request. Clients give up some of what
/// they ask for, a flood all of it, and h2 counts only what is taken back before it was begun
/// (CVE-2023-44487). A workload, or a proxy, asks for many: a workload may send twice what its channel does
/// at once.
pub(crate) const BY_MANY: u32 = 320;
pub(crate) const BY_ANYBODY: u32 = 20;

/// Parts of heads too long for one frame, and so for this listener, in the life of a connection: h2
/// answers each head 431 and tells nobody.
const LONG_HEADS: u32 = 32;

/// Frames a request brings with it: its window updates, a question whether we are there.
const WITH_REQUEST: u32 = 16;

/// Bytes written to a peer after which it may send another frame. One that gives back each small
/// message's window stays below; the answer to a PING, of 17 bytes, does not pay for the next.
const WRITTEN: usize = 64;

/// Walks the frames of one connection and counts those that do nothing, without looking into any.
/// What they may hold, and in which order, stays h2's to judge.
pub(crate) struct Frames {
    head: Vec<u8>,
    skip: usize,
    left: u32,
    /// In halves.
    resets: u32,
    most_resets: u32,
    long_heads: u32,
    written: usize,
}

impl Frames {
    /// From the first byte after `preface` bytes on, with so many resets beyond those earned.
    pub(crate) fn after(preface: usize, resets: u32) -> Self {
        Self {
            head: Vec::with_capacity(HEAD),
            skip: preface,
            left: FREE,
            resets: 2 * resets,
            most_resets: 2 * resets,
            long_heads: LONG_HEADS,
            written: 0,
        }
    }

    /// What was read next; false once it is too much.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) -> bool {
        loop {
            let (skipped, rest) = bytes.split_at(self.skip.min(bytes.len()));
            self.skip -= skipped.len();
            let (head, rest) = rest.split_at((HEAD - self.head.len()).min(rest.len()));
            self.head.extend_from_slice(head);
            bytes = rest;
            let &[a, b, c, kind, ..] = self.head.as_slice() else {
                return true;
            };
            if self.head.len() < HEAD {
                return true;
            }
            self.head.clear();
            self.skip = u32::from_be_bytes([0, a, b, c]) as usize;
            match kind {
                DATA => {}
                CONTINUATION if self.long_heads == 0 => return false,
                CONTINUATION => self.long_heads -= 1,
                HEADERS => {
                    self.left = self.earned(WITH_REQUEST);
                    self.resets = (self.resets + 1).min(self.most_resets);
                }
                RESET if self.resets < 2 => return false,
                RESET => self.resets -= 2,
                _ if self.left == 0 => return false,
                _ => self.left -= 1,
            }
        }
    }

    /// So many bytes were taken by the peer.
    pub(crate) fn wrote(&mut self, bytes: usize) {
        self.written += bytes;
        self.left = self.earned(u32::try_from(self.written / WRITTEN).unwrap_or(FREE));
        self.written %= WRITTEN;
    }

    fn earned(&self, frames: u32) -> u32 {
        self.left.saturating_add(frames).min(FREE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: u8 = 6;
    const WINDOW_UPDATE: u8 = 8;

    fn frame(kind: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).unwrap().to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([kind, 0, 0, 0, 0, 0]);
        bytes.extend(vec![PING; payload]);
        bytes
    }

    /// How many frames are let through of more than there may be.
    fn let_through(frames: &mut Frames, bytes: &[u8]) -> u32 {
        (0..2 * FREE).take_while(|_| frames.read(bytes)).count() as u32
    }

    #[test]
    fn what_does_nothing_is_counted_however_it_is_cut() {
        let mut frames = Frames::after(24, BY_ANYBODY);
        assert!(frames.read(&[b'P'; 20]));
        assert!(frames.read(&[b'P'; 4]));
        for byte in frame(PING, 8) {
            assert!(frames.read(&[byte]));
        }
        let many: Vec<u8> = (0..10).flat_map(|_| frame(PING, 8)).collect();
        assert!(frames.read(&many));
        assert_eq!(let_through(&mut frames, &frame(PING, 8)), FREE - 11);
    }

    #[test]
    fn a_request_and_its_body_are_free_and_earn_a_few() {
        let mut frames = Frames::after(0, BY_ANYBODY);
        assert_eq!(let_through(&mut frames, &frame(PING, 8)), FREE);
        let mut frames = Frames::after(0, BY_ANYBODY);
        for _ in 0..FREE {
            assert!(frames.read(&frame(PING, 8)));
        }
        let request = [frame(HEADERS, 30), frame(CONTINUATION, 3), frame(DATA, 500)].concat();
        assert!(frames.read(&request));
        assert_eq!(
            let_through(&mut frames, &frame(WINDOW_UPDATE, 4)),
            WITH_REQUEST
        );
    }

    #[test]
    fn who_gives_up_now_and_then_may_and_who_gives_up_everything_may_not() {
        let (request, reset) = (frame(HEADERS, 30), frame(RESET, 4));
        for resets in [BY_ANYBODY, BY_MANY] {
            let mut frames = Frames::after(0, resets);
            let mut given_up = |asked: u32| {
                (0..8 * resets)
                    .all(|at| frames.read(&request) && (at % asked != 0 || frames.read(&reset)))
            };
            assert!(given_up(2));
            assert!(!given_up(1));
        }
    }

    #[test]
    fn heads_without_end_are_not_let_through() {
        let mut frames = Frames::after(0, BY_ANYBODY);
        let part = frame(CONTINUATION, 16_384);
        assert_eq!(let_through(&mut frames, &part), LONG_HEADS);
    }

    #[test]
    fn who_takes_an_answer_may_say_so_and_who_pings_does_not_live_on_the_answers() {
        let mut frames = Frames::after(0, BY_ANYBODY);
        for _ in 0..3 * FREE {
            frames.wrote(200);
            assert!(frames.read(&frame(WINDOW_UPDATE, 4)));
            assert!(frames.read(&frame(WINDOW_UPDATE, 4)));
        }
        let mut frames = Frames::after(0, BY_ANYBODY);
        let pings = (0..3 * FREE).take_while(|_| {
            frames.wrote(17);
            frames.read(&frame(PING, 8))
        });
        assert!((pings.count() as u32) < 2 * FREE);
    }
}
