//! Demo data: the same customers on every machine, and none of them real. E-mail addresses use a
//! reserved domain (RFC 2606), telephone numbers a range set aside for fiction (Ofcom).

use fake::{
    Fake,
    faker::{
        address::en::{BuildingNumber, CityName, StreetName},
        name::en::{FirstName, LastName},
    },
};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use crate::domain::{Address, Consent, Customer, LoyaltyTier};

/// How many customers the demo data holds.
pub(crate) const CUSTOMERS: u32 = 1_000;

const SEED: u64 = 0x5354_5241_5441;
/// 2020-01-01T00:00:00Z.
const EPOCH: i64 = 1_577_836_800;
const FIVE_YEARS: i64 = 5 * 365 * 86_400;
const LETTERS: &[u8] = b"ABCEGHJKLMNPRSTWXYZ";

/// The demo customers, in id order.
#[must_use]
pub(crate) fn customers() -> Vec<Customer> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    (1..=CUSTOMERS)
        .map(|number| customer(number, &mut rng))
        .collect()
}

fn customer(number: u32, rng: &mut ChaCha8Rng) -> Customer {
    let given_name: String = FirstName().fake_with_rng(rng);
    let family_name: String = LastName().fake_with_rng(rng);
    let (region, country) = home(number);
    let street: String = StreetName().fake_with_rng(rng);
    let house: String = BuildingNumber().fake_with_rng(rng);
    let created_at = EPOCH + rng.random_range(0..FIVE_YEARS);
    Customer {
        id: format!("cus_{number:06}"),
        email: format!("{given_name}.{family_name}{number}@example.com").to_lowercase(),
        phone: format!("+447700900{:03}", rng.random_range(0..1_000)),
        address: Address {
            street: format!("{house} {street}"),
            city: CityName().fake_with_rng(rng),
            postcode: postcode(rng),
            country: country.to_owned(),
        },
        birth_date: format!(
            "{}-{:02}-{:02}",
            rng.random_range(1940..2006),
            rng.random_range(1..=12),
            rng.random_range(1..=28),
        ),
        national_id: format!(
            "{}{}{:06}{}",
            letter(rng),
            letter(rng),
            rng.random_range(0..1_000_000),
            letter(rng),
        ),
        access_needs: [
            "",
            "",
            "",
            "step-free access",
            "large print",
            "sign language",
        ]
        .choose(rng)
        .map_or_else(String::new, |need| (*need).to_owned()),
        payment_account: format!(
            "GB{:02}STRA{:06}{:08}",
            rng.random_range(2..99),
            rng.random_range(0..1_000_000),
            rng.random_range(0..100_000_000),
        ),
        consent: Consent {
            email: rng.random_bool(0.6),
            phone: rng.random_bool(0.3),
            updated_at: created_at + rng.random_range(0..30 * 86_400),
        },
        loyalty_tier: *[
            LoyaltyTier::Bronze,
            LoyaltyTier::Bronze,
            LoyaltyTier::Bronze,
            LoyaltyTier::Silver,
            LoyaltyTier::Silver,
            LoyaltyTier::Gold,
            LoyaltyTier::Platinum,
        ]
        .choose(rng)
        .unwrap_or(&LoyaltyTier::Bronze),
        region: region.to_owned(),
        brand: brand(number).to_owned(),
        created_at,
        given_name,
        family_name,
    }
}

/// The region and country of a customer: by number, so that the orders' seed agrees without asking.
const fn home(number: u32) -> (&'static str, &'static str) {
    match number % 4 {
        0 => ("ie", "IE"),
        1 => ("uk", "GB"),
        2 => ("de", "DE"),
        _ => ("nl", "NL"),
    }
}

/// The brand of a customer: by number, so that the orders' seed agrees without asking. Each has customers in
/// every region.
const fn brand(number: u32) -> &'static str {
    if (number / 4).is_multiple_of(2) {
        "teahouse"
    } else {
        "roastery"
    }
}

fn letter(rng: &mut ChaCha8Rng) -> char {
    LETTERS.choose(rng).copied().map_or('A', char::from)
}

fn postcode(rng: &mut ChaCha8Rng) -> String {
    format!(
        "{}{}{} {}{}{}",
        letter(rng),
        letter(rng),
        rng.random_range(1..20),
        rng.random_range(1..10),
        letter(rng),
        letter(rng),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_everywhere() {
        let (first, second) = (customers(), customers());
        assert!(first == second);
        assert_eq!(first.len(), 1_000);
        assert_eq!(first[0].id, "cus_000001");
    }
}
