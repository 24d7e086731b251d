//! Customers, as the system of record holds them.

use strata_core::{AGENT, Owned, Principal};

/// A customer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Customer {
    /// `cus_` and six digits.
    pub(crate) id: String,
    /// Given name.
    pub(crate) given_name: String,
    /// Family name.
    pub(crate) family_name: String,
    /// E-mail address.
    pub(crate) email: String,
    /// Telephone number, E.164.
    pub(crate) phone: String,
    /// Where the customer lives.
    pub(crate) address: Address,
    /// ISO 8601 date.
    pub(crate) birth_date: String,
    /// National insurance or identity number.
    pub(crate) national_id: String,
    /// What the customer needs to get in and about; may be empty.
    pub(crate) access_needs: String,
    /// The account that is charged, IBAN.
    pub(crate) payment_account: String,
    /// What the customer agreed to.
    pub(crate) consent: Consent,
    /// Standing in the loyalty programme.
    pub(crate) loyalty_tier: LoyaltyTier,
    /// Sales region, which is also where the data must stay.
    pub(crate) region: String,
    /// The brand whose customer it is.
    pub(crate) brand: String,
    /// Unix seconds.
    pub(crate) created_at: i64,
}

/// Where a search stays: the customers elsewhere are none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds<'a> {
    /// The brand.
    pub(crate) brand: &'a str,
    /// The region.
    pub(crate) region: &'a str,
}

impl<'a> Bounds<'a> {
    /// Where an agent may search: the agent's own brand and region, whether the region is asked for by name
    /// or not.
    #[must_use]
    pub(crate) fn of(principal: &'a Principal, asked: &str) -> Option<Self> {
        let region = principal.region.as_deref()?;
        let brand = principal.tenant.as_deref()?;
        let own = principal.has_role(AGENT) && (asked.is_empty() || asked == region);
        own.then_some(Self { brand, region })
    }
}

impl Owned for Customer {
    const KIND: &'static str = "Customer";

    fn owner(&self) -> &str {
        &self.id
    }

    fn region(&self) -> &str {
        &self.region
    }

    fn tenant(&self) -> &str {
        &self.brand
    }
}

/// A postal address.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Street and number.
    pub(crate) street: String,
    /// City.
    pub(crate) city: String,
    /// Postcode.
    pub(crate) postcode: String,
    /// ISO 3166-1 alpha-2.
    pub(crate) country: String,
}

/// Marketing consent by channel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Consent {
    /// May be written to.
    pub(crate) email: bool,
    /// May be called.
    pub(crate) phone: bool,
    /// When it was last given or withdrawn, Unix seconds.
    pub(crate) updated_at: i64,
}

/// Standing in the loyalty programme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoyaltyTier {
    /// Everyone starts here.
    Bronze,
    /// Regular customers.
    Silver,
    /// Frequent customers.
    Gold,
    /// The most frequent customers.
    Platinum,
}

impl LoyaltyTier {
    /// Every tier, lowest first.
    pub(crate) const ALL: [Self; 4] = [Self::Bronze, Self::Silver, Self::Gold, Self::Platinum];

    /// The word the store holds.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Bronze => "bronze",
            Self::Silver => "silver",
            Self::Gold => "gold",
            Self::Platinum => "platinum",
        }
    }

    /// The tier for a word of the store.
    #[must_use]
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_round_trip() {
        for tier in LoyaltyTier::ALL {
            assert_eq!(LoyaltyTier::from_word(tier.as_str()), Some(tier));
        }
        assert_eq!(LoyaltyTier::from_word("tin"), None);
    }

    fn user(role: &str, region: Option<&str>, tenant: Option<&str>) -> Principal {
        Principal {
            subject: "agent-7".to_owned(),
            roles: vec![role.to_owned()],
            scopes: Vec::new(),
            region: region.map(str::to_owned),
            tenant: tenant.map(str::to_owned),
            clearance: strata_core::Clearance::default(),
            authentication: strata_core::Authentication::default(),
        }
    }

    #[test]
    fn a_search_stays_in_the_agents_brand_and_region() {
        let (uk, teahouse) = (Some("uk"), Some("teahouse"));
        let own = Some(Bounds {
            brand: "teahouse",
            region: "uk",
        });
        let agent = user(AGENT, uk, teahouse);
        assert_eq!(Bounds::of(&agent, ""), own);
        assert_eq!(Bounds::of(&agent, "uk"), own);
        assert_eq!(Bounds::of(&agent, "de"), None);
        for other in [
            user("customer", uk, teahouse),
            user(AGENT, uk, None),
            user(AGENT, None, teahouse),
        ] {
            assert_eq!(Bounds::of(&other, ""), None);
        }
    }
}
