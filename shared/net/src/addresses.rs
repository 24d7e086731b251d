//! How many connections each address has, so that none can take them all; and which has flooded.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ipnet::Ipv6Net;
use moka::sync::Cache;

/// How long an address that flooded is remembered: a connection costs more than it does to make, and
/// whoever is cut off comes back at once. Others behind the address bear the same.
const REMEMBERED: Duration = Duration::from_secs(5);

/// What a connection of an address that flooded meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Penalty {
    /// It is closed.
    Refused,
    /// It waits for so long. A workload that misbehaves is a defect, and behind a proxy one client is not
    /// all: refused, they would take their users with them.
    Delayed(Duration),
}

/// Addresses remembered: each has cost whoever had it a handshake.
const PENALISED: u64 = 10_000;

/// Who controls one address of an IPv6 network of this size controls all of them.
const IPV6_NETWORK: u8 = 64;

/// Counts connections by address.
pub(crate) struct Addresses {
    most: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
    penalised: Cache<IpAddr, Penalty>,
}

/// A connection that counts until dropped.
pub(crate) struct Place {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Addresses {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        let penalised = Cache::builder()
            .max_capacity(PENALISED)
            .time_to_live(REMEMBERED);
        Arc::new(Self {
            most,
            open: Mutex::default(),
            penalised: penalised.build(),
        })
    }

    /// Holds a flood against `address` for a while.
    pub(crate) fn penalise(&self, address: IpAddr, penalty: Penalty) {
        self.penalised.insert(network(address), penalty);
    }

    /// What is held against it.
    pub(crate) fn penalty(&self, address: IpAddr) -> Option<Penalty> {
        self.penalised.get(&network(address))
    }

    /// A place for one more connection of `address`; none when it has as many as it may.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place {
            addresses: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let open = self.addresses.open.lock();
        let mut open = open.unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// Whose an address is, as far as limits are concerned: an IPv6 address is its network of 64 bits.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Net::new(address, IPV6_NETWORK)
            .map_or(address, |network| network.network())
            .into(),
        IpAddr::V4(address) => address.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_connection_ends() {
        let addresses = Addresses::new(2);
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        let first = addresses.enter(one).unwrap();
        let _second = addresses.enter(one).unwrap();
        assert!(addresses.enter(one).is_none());
        assert!(addresses.enter(other).is_some());
        drop(first);
        assert!(addresses.enter(one).is_some());
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        let addresses = Addresses::new(1);
        let enter = |text: &str| addresses.enter(text.parse().unwrap());
        let _held = enter("2001:db8::1").unwrap();
        assert!(enter("2001:db8::ffff:2").is_none());
        assert!(enter("2001:db8:0:1::1").is_some());
        let _v4 = enter("::ffff:192.0.2.1").unwrap();
        assert!(enter("192.0.2.1").is_none());
    }

    #[test]
    fn a_flood_is_held_against_its_network_alone() {
        let addresses = Addresses::new(1);
        let penalty = |text: &str| addresses.penalty(text.parse().unwrap());
        addresses.penalise("2001:db8::1".parse().unwrap(), Penalty::Refused);
        assert_eq!(penalty("2001:db8::2"), Some(Penalty::Refused));
        assert_eq!(penalty("2001:db8:0:1::1"), None);
    }

    #[test]
    fn who_left_is_forgotten() {
        let addresses = Addresses::new(1);
        drop(addresses.enter("192.0.2.1".parse().unwrap()));
        assert!(addresses.open.lock().unwrap().is_empty());
    }
}
