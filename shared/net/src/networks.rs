//! From where connections are taken.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use tokio::sync::watch;

/// Which addresses may connect: those of an allowed network, unless a blocked one has them too.
/// Nothing allowed lets nobody in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkRules {
    allow: Sorted,
    block: Sorted,
}

impl NetworkRules {
    /// Rules of these lists.
    #[must_use]
    pub fn new(allow: &[IpNet], block: &[IpNet]) -> Self {
        Self {
            allow: Sorted::of(allow),
            block: Sorted::of(block),
        }
    }

    /// Whether a connection from `address` is taken. An IPv4 address in IPv6's clothes is one of IPv4.
    #[must_use]
    pub fn admit(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allow.contains(address) && !self.block.contains(address)
    }
}

/// Whether `address` lies in one of `networks`. An IPv4 address in IPv6's clothes is one of IPv4.
#[must_use]
pub fn within(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// Networks that do not overlap, in order: a look-up takes about as long in a hundred thousand as in one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sorted(Vec<IpNet>);

impl Sorted {
    fn of(networks: &[IpNet]) -> Self {
        let mut networks = IpNet::aggregate(&networks.to_vec());
        networks.sort_unstable_by_key(IpNet::network);
        Self(networks)
    }

    fn contains(&self, address: IpAddr) -> bool {
        let after = self.0.partition_point(|it| it.network() <= address);
        let nearest = after.checked_sub(1).and_then(|at| self.0.get(at));
        nearest.is_some_and(|it| it.contains(&address))
    }
}

/// The [`NetworkRules`] of a listener, as they are at the moment.
#[derive(Clone, Debug)]
pub struct Networks(watch::Receiver<NetworkRules>);

impl Networks {
    /// Rules that may change.
    #[must_use]
    pub const fn watched(rules: watch::Receiver<NetworkRules>) -> Self {
        Self(rules)
    }

    /// Rules that do not change.
    #[must_use]
    pub fn fixed(rules: NetworkRules) -> Self {
        Self(watch::channel(rules).1)
    }

    /// This machine and nobody else.
    #[must_use]
    pub fn loopback() -> Self {
        let own = [
            Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8).into(),
            Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128).into(),
        ];
        Self::fixed(NetworkRules::new(&own, &[]))
    }

    /// See [`NetworkRules::admit`].
    #[must_use]
    pub fn admit(&self, address: IpAddr) -> bool {
        self.0.borrow().admit(address)
    }

    /// Completes when `address` is not admitted any more.
    pub(crate) async fn refused(&self, address: IpAddr) {
        let mut rules = self.0.clone();
        if rules.wait_for(|rules| !rules.admit(address)).await.is_err() {
            // Nobody is left to change them.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(allow: &[&str], block: &[&str]) -> NetworkRules {
        let parsed = |list: &[&str]| {
            list.iter()
                .map(|it| it.parse().unwrap())
                .collect::<Vec<_>>()
        };
        NetworkRules::new(&parsed(allow), &parsed(block))
    }

    fn admits(rules: &NetworkRules, address: &str) -> bool {
        rules.admit(address.parse().unwrap())
    }

    #[test]
    fn what_is_blocked_is_refused_although_it_is_allowed() {
        let rules = rules(
            &["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "10.5.0.0/16"],
            &["10.66.0.0/16", "2001:db8:bad::/48"],
        );
        for admitted in [
            "10.0.0.0",
            "10.255.255.255",
            "192.0.2.7",
            "2001:db8::1",
            "::ffff:10.1.2.3",
        ] {
            assert!(admits(&rules, admitted), "{admitted}");
        }
        for refused in [
            "9.255.255.255",
            "11.0.0.0",
            "192.0.2.6",
            "192.0.2.8",
            "10.66.1.2",
            "::ffff:10.66.1.2",
            "2001:db9::",
            "2001:db8:bad::1",
            "::a00:1",
        ] {
            assert!(!admits(&rules, refused), "{refused}");
        }
    }

    #[test]
    fn nothing_allowed_lets_nobody_in() {
        assert!(!admits(&rules(&[], &[]), "127.0.0.1"));
        assert!(!admits(&NetworkRules::default(), "::1"));
        assert!(admits(&rules(&["0.0.0.0/0"], &[]), "127.0.0.1"));
        assert!(!admits(&rules(&["0.0.0.0/0"], &[]), "::1"));
    }

    #[test]
    fn a_long_list_is_as_exact_as_a_short_one() {
        let block: Vec<IpNet> = (0..100_000_u32)
            .map(|at| Ipv4Net::new_assert(Ipv4Addr::from(0x0a00_0000 + 2 * at), 32).into())
            .collect();
        let rules = NetworkRules::new(&["0.0.0.0/0".parse().unwrap()], &block);
        for at in 0..200_000_u32 {
            let address = Ipv4Addr::from(0x0a00_0000 + at);
            assert_eq!(rules.admit(address.into()), at % 2 == 1, "{address}");
        }
    }

    #[tokio::test]
    async fn a_change_is_noticed_where_it_matters() {
        let (sender, receiver) = watch::channel(rules(&["0.0.0.0/0"], &[]));
        let networks = Networks::watched(receiver);
        let address = "192.0.2.1".parse().unwrap();
        assert!(networks.admit(address));
        let waiting = tokio::spawn(async move { networks.refused(address).await });
        sender.send_replace(rules(&["0.0.0.0/0"], &["198.51.100.0/24"]));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        sender.send_replace(rules(&["0.0.0.0/0"], &["192.0.2.0/24"]));
        waiting.await.unwrap();
    }
}
