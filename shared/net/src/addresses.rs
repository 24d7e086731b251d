//! How many connections each address has, so that none can take them all; and which has flooded.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ipnet::Ipv6Net;
use moka::sync::Cache;

/// How long nothing is taken from an address that flooded: a connection costs more than it does to
/// make, and whoever is cut off comes back at once. Others behind it wait as long.
const PENALTY: Duration = Duration::from_secs(5);

/// Addresses remembered: each has cost whoever had it a handshake.
const PENALISED: u64 = 10_000;

/// Who controls one address of an IPv6 network of this size controls all of them.
const IPV6_NETWORK: u8 = 64;

/// Counts connections by address.
pub(crate) struct Addresses {
    most: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
    penalised: Cache<IpAddr, ()>,
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
            .time_to_live(PENALTY);
        Arc::new(Self {
            most,
            open: Mutex::default(),
            penalised: penalised.build(),
        })
    }

    /// Takes no connection of `address` for a while.
    pub(crate) fn penalise(&self, address: IpAddr) {
        self.penalised.insert(network(address), ());
    }

    /// A place for one more connection of `address`, or why there is none.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Place, &'static str> {
        let address = network(address);
        if self.penalised.contains_key(&address) {
            return Err("flooded_before");
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= self.most {
            return Err("too_many_connections");
        }
        *count += 1;
        Ok(Place {
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

fn network(address: IpAddr) -> IpAddr {
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
        assert_eq!(addresses.enter(one).err(), Some("too_many_connections"));
        assert!(addresses.enter(other).is_ok());
        drop(first);
        assert!(addresses.enter(one).is_ok());
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        let addresses = Addresses::new(1);
        let enter = |text: &str| addresses.enter(text.parse().unwrap());
        let _held = enter("2001:db8::1").unwrap();
        assert!(enter("2001:db8::ffff:2").is_err());
        assert!(enter("2001:db8:0:1::1").is_ok());
        let _v4 = enter("::ffff:192.0.2.1").unwrap();
        assert!(enter("192.0.2.1").is_err());
    }

    #[test]
    fn who_flooded_is_not_taken_and_others_are() {
        let addresses = Addresses::new(1);
        let enter = |text: &str| addresses.enter(text.parse().unwrap());
        addresses.penalise("2001:db8::1".parse().unwrap());
        assert_eq!(enter("2001:db8::2").err(), Some("flooded_before"));
        assert!(enter("2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn who_left_is_forgotten() {
        let addresses = Addresses::new(1);
        drop(addresses.enter("192.0.2.1".parse().unwrap()).ok());
        assert!(addresses.open.lock().unwrap().is_empty());
    }
}
