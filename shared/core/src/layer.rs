//! The three layers of API-led connectivity and the one rule between them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A layer of API-led connectivity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Exposes one system of record.
    System,
    /// Combines System APIs.
    Process,
    /// Shaped for one channel; the only layer users reach.
    Experience,
}

impl Layer {
    /// Every layer, lowest first.
    pub const ALL: [Self; 3] = [Self::System, Self::Process, Self::Experience];

    /// The rule of the estate: Experience -> Process -> System, nothing else. Every other place
    /// that holds the rule (types, trust bundles, callers.toml, network policy) derives from this.
    #[must_use]
    pub const fn may_call(self, callee: Self) -> bool {
        matches!(
            (self, callee),
            (Self::Experience, Self::Process) | (Self::Process, Self::System)
        )
    }

    /// Whether an exemption can let this layer call one that the rule does not let it call: past a
    /// layer on the way down. Sideways and upward nothing lets anybody call, because there calls make
    /// loops, which have no order to start or to drain in.
    #[must_use]
    pub const fn may_be_exempted(self, callee: Self) -> bool {
        matches!((self, callee), (Self::Experience, Self::System))
    }

    /// The layers that may call this one.
    pub fn callers(self) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(move |caller| caller.may_call(self))
    }

    /// The layers this one may call.
    pub fn callees(self) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(move |callee| self.may_call(*callee))
    }

    /// Lower-case name, as it stands in folders, packages and trust domains.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Process => "process",
            Self::Experience => "experience",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no layer.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no layer: use system, process or experience")]
pub struct UnknownLayer(String);

impl FromStr for Layer {
    type Err = UnknownLayer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|layer| layer.as_str() == text)
            .ok_or_else(|| UnknownLayer(text.to_owned()))
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A layer at the type level. Sealed: a service cannot invent a layer of its own.
pub trait Tier: sealed::Sealed + Send + Sync + 'static {
    /// The same layer as a value.
    const LAYER: Layer;
}

macro_rules! tier {
    ($(#[$doc:meta] $name:ident),+) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}
        impl sealed::Sealed for $name {}
        impl Tier for $name {
            const LAYER: Layer = Layer::$name;
        }
    )+};
}

tier!(
    /// The System layer, as a type.
    System,
    /// The Process layer, as a type.
    Process,
    /// The Experience layer, as a type.
    Experience
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_downward_by_one_is_allowed() {
        let allowed: Vec<_> = Layer::ALL
            .into_iter()
            .flat_map(|a| Layer::ALL.map(|b| (a, b)))
            .filter(|(a, b)| a.may_call(*b))
            .collect();
        assert_eq!(
            allowed,
            [
                (Layer::Process, Layer::System),
                (Layer::Experience, Layer::Process)
            ]
        );
    }

    /// What the rule allows needs no exemption, and what is exempted makes no loop.
    #[test]
    fn an_exemption_only_passes_a_layer_on_the_way_down() {
        for caller in Layer::ALL {
            for callee in Layer::ALL {
                let passes = !caller.may_call(callee) && caller > callee;
                assert_eq!(caller.may_be_exempted(callee), passes, "{caller} {callee}");
            }
        }
    }

    #[test]
    fn each_layer_knows_those_beside_it() {
        for (layer, callers, callees) in [
            (Layer::System, &[Layer::Process][..], &[][..]),
            (Layer::Process, &[Layer::Experience], &[Layer::System]),
            (Layer::Experience, &[], &[Layer::Process]),
        ] {
            assert!(layer.callers().eq(callers.iter().copied()), "{layer}");
            assert!(layer.callees().eq(callees.iter().copied()), "{layer}");
        }
    }

    #[test]
    fn names_round_trip() {
        for layer in Layer::ALL {
            assert_eq!(layer.to_string().parse::<Layer>().unwrap(), layer);
        }
        assert!("System".parse::<Layer>().is_err());
    }
}
