//! The state of at most so many identities. Those beyond share one, as if they were one identity: a
//! caller who makes up identities gets no more by it, and pushes nobody out.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use governor::{
    nanos::Nanos,
    state::{StateStore, keyed::ShrinkableKeyedStateStore},
};

/// Parts that are locked apart: a decision holds one for some tens of nanoseconds.
const SHARDS: usize = 64;

/// GCRA states by the hash of the identity.
pub(crate) struct Store {
    shards: Box<[Mutex<HashMap<u64, Nanos>>]>,
    /// Of each shard.
    most: usize,
    overflow: Mutex<Option<Nanos>>,
    /// The shard that is cleaned next.
    next: AtomicUsize,
}

impl Store {
    /// Room for `most` identities, rounded up to a multiple of the shards. When nearly all of it is taken,
    /// a few identities have none already, since no hash fills the shards evenly.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            most: most.div_ceil(SHARDS),
            overflow: Mutex::default(),
            next: AtomicUsize::new(0),
        }
    }

    fn shard(&self, at: usize) -> Option<MutexGuard<'_, HashMap<u64, Nanos>>> {
        let shard = self.shards.get(at % SHARDS)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl StateStore for Store {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        // Other bits than those a HashMap takes.
        if let Some(mut shard) = self.shard((key >> 48) as usize) {
            if let Some(state) = shard.get_mut(key) {
                let (outcome, next) = decide(Some(*state))?;
                *state = next;
                return Ok(outcome);
            }
            if shard.len() < self.most {
                let (outcome, next) = decide(None)?;
                shard.insert(*key, next);
                return Ok(outcome);
            }
        }
        let mut overflow = self.overflow.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, next) = decide(*overflow)?;
        *overflow = Some(next);
        Ok(outcome)
    }
}

/// One shard a time, so that no decision waits for all of them.
impl ShrinkableKeyedStateStore<u64> for Store {
    fn retain_recent(&self, drop_below: Nanos) {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(mut shard) = self.shard(at) {
            shard.retain(|_, state| *state > drop_below);
        }
    }

    fn len(&self) -> usize {
        (0..SHARDS)
            .filter_map(|at| self.shard(at))
            .map(|shard| shard.len())
            .sum()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
