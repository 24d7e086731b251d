//! What an HTTP/2 peer sends beside its requests. hyper and h2 answer every PING and SETTINGS for as
//! long as the answers are read, and count none of them (h2 counts resets and empty DATA:
//! <https://github.com/hyperium/h2/pull/668>, <https://github.com/hyperium/h2/pull/737>), so a peer
//! could keep a core busy and never ask for anything (CVE-2019-9512, CVE-2019-9515).

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Length of a frame's head (RFC 9113, section 4.1).
const HEAD: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const CONTINUATION: u8 = 9;

/// Frames that ask for nothing, a second and at once: who takes a stream as fast as a network gives
/// it, and gives back the window of each few messages, stays below.
const IDLE: Quota = Quota::per_second(NonZeroU32::new(10_000).unwrap());

/// Takes back of what was asked for, by a workload: twice what its channel does at most.
pub(crate) const BY_WORKLOAD: Quota =
    Quota::per_second(NonZeroU32::new(800).unwrap()).allow_burst(NonZeroU32::new(320).unwrap());

/// The same by anybody: who types into a search that asks at every key stays below (CVE-2023-44487;
/// h2 counts only what is taken back before it was begun).
pub(crate) const BY_ANYBODY: Quota =
    Quota::per_second(NonZeroU32::new(20).unwrap()).allow_burst(NonZeroU32::new(20).unwrap());

/// Parts of heads too long for one frame, and so for this listener: h2 answers 431 and tells nobody.
const LONG_HEADS: Quota =
    Quota::per_second(NonZeroU32::new(20).unwrap()).allow_burst(NonZeroU32::new(32).unwrap());

/// Walks the frames of one connection and counts those that do nothing, without looking into any.
/// What they may hold, and in which order, stays h2's to judge.
pub(crate) struct Frames {
    head: Vec<u8>,
    skip: usize,
    idle: DefaultDirectRateLimiter,
    resets: DefaultDirectRateLimiter,
    long_heads: DefaultDirectRateLimiter,
}

impl Frames {
    /// From the first byte after `preface` bytes on.
    pub(crate) fn after(preface: usize, resets: Quota) -> Self {
        Self {
            head: Vec::with_capacity(HEAD),
            skip: preface,
            idle: RateLimiter::direct(IDLE),
            resets: RateLimiter::direct(resets),
            long_heads: RateLimiter::direct(LONG_HEADS),
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
            let is_counted = match kind {
                DATA | HEADERS => Ok(()),
                RESET => self.resets.check(),
                CONTINUATION => self.long_heads.check(),
                _ => self.idle.check(),
            };
            if is_counted.is_err() {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: u8 = 6;
    const MOST: usize = 100_000;

    fn frame(kind: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).unwrap().to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([kind, 0, 0, 0, 0, 0]);
        bytes.extend(vec![PING; payload]);
        bytes
    }

    fn frames() -> Frames {
        Frames::after(0, BY_ANYBODY)
    }

    /// How many frames are let through, of more than there may be.
    fn let_through(frames: &mut Frames, bytes: &[u8]) -> usize {
        (0..MOST).take_while(|_| frames.read(bytes)).count()
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
        let through = let_through(&mut frames, &frame(PING, 8));
        assert!((9_000..MOST).contains(&through), "{through}");
    }

    #[test]
    fn requests_and_their_bodies_are_free() {
        let request = [frame(HEADERS, 30), frame(DATA, 500)].concat();
        assert_eq!(let_through(&mut frames(), &request), MOST);
    }

    #[test]
    fn heads_without_end_are_not() {
        let through = let_through(&mut frames(), &frame(CONTINUATION, 16_384));
        assert!((32..MOST).contains(&through), "{through}");
    }

    #[test]
    fn who_takes_back_now_and_then_may_and_who_takes_back_everything_may_not() {
        let whole = [frame(HEADERS, 30), frame(RESET, 4)].concat();
        for (quota, least) in [(BY_ANYBODY, 20), (BY_WORKLOAD, 320)] {
            let through = let_through(&mut Frames::after(0, quota), &whole);
            assert!((least..MOST).contains(&through), "{through}");
        }
    }
}
