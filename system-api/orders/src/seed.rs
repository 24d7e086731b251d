//! Demo data: the same orders on every machine. Customer ids are those of the customers service's
//! own seed; nothing is read from it.

use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use crate::domain::{Line, Order, Status};

/// How many orders the demo data holds.
pub(crate) const ORDERS: u32 = 10_000;
const CUSTOMERS: u32 = 1_000;

const SEED: u64 = 0x4f52_4445_5253;
/// 2024-01-01T00:00:00Z.
const EPOCH: i64 = 1_704_067_200;
/// Orders come in evenly over two years, so ids grow with time.
const INTERVAL: i64 = 2 * 365 * 86_400 / ORDERS as i64;

const LETTERS: &[u8] = b"ABCEGHJKLMNPRSTWXYZ";

/// SKU, description, price in minor units.
const CATALOGUE: [(&str, &str, i64); 12] = [
    ("TEA-EB-250", "English breakfast tea, 250 g", 649),
    ("TEA-EG-100", "Earl Grey tea, 100 g", 449),
    ("COF-ET-500", "Ethiopian coffee beans, 500 g", 1_295),
    ("COF-CO-500", "Colombian coffee beans, 500 g", 1_195),
    ("MUG-ST-350", "Stoneware mug, 350 ml", 1_400),
    ("POT-CI-900", "Cast iron teapot, 900 ml", 4_950),
    ("KET-GN-100", "Gooseneck kettle, 1 l", 7_900),
    ("GRD-HA-001", "Hand coffee grinder", 5_450),
    ("FLT-V6-100", "Paper filters, 100 pieces", 525),
    ("BIS-SB-200", "Shortbread biscuits, 200 g", 395),
    ("HON-HE-340", "Heather honey, 340 g", 875),
    ("CHO-DK-085", "Dark chocolate, 85 g", 365),
];

const STATUSES: [Status; 8] = [
    Status::Delivered,
    Status::Delivered,
    Status::Delivered,
    Status::Shipped,
    Status::Paid,
    Status::Placed,
    Status::Returned,
    Status::Cancelled,
];

/// The demo orders, in id order.
#[must_use]
pub(crate) fn orders() -> Vec<Order> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    (1..=ORDERS).map(|number| order(number, &mut rng)).collect()
}

fn order(number: u32, rng: &mut ChaCha8Rng) -> Order {
    // Every customer has an order; the rest fall where they fall.
    let customer = if number <= CUSTOMERS {
        number
    } else {
        rng.random_range(1..=CUSTOMERS)
    };
    let lines: Vec<Line> = (1..=rng.random_range(1..=4))
        .map(|n| line(n, rng))
        .collect();
    let region = region(customer);
    Order {
        id: format!("ord_{number:08}"),
        customer_id: format!("cus_{customer:06}"),
        region: region.to_owned(),
        brand: brand(customer).to_owned(),
        status: *STATUSES.choose(rng).unwrap_or(&Status::Placed),
        placed_at: EPOCH + i64::from(number) * INTERVAL,
        currency: if region == "uk" { "GBP" } else { "EUR" }.to_owned(),
        ship_to_postcode: postcode(rng),
        total_minor: lines
            .iter()
            .map(|l| l.unit_price_minor * i64::from(l.quantity))
            .sum(),
        lines,
    }
}

/// The region of a customer: by number, as in the customers' own seed.
const fn region(customer: u32) -> &'static str {
    match customer % 4 {
        0 => "ie",
        1 => "uk",
        2 => "de",
        _ => "nl",
    }
}

/// The brand of a customer: by number, as in the customers' own seed.
const fn brand(customer: u32) -> &'static str {
    if (customer / 4).is_multiple_of(2) {
        "teahouse"
    } else {
        "roastery"
    }
}

fn postcode(rng: &mut ChaCha8Rng) -> String {
    let mut letter = || LETTERS.choose(rng).copied().map_or('A', char::from);
    let (a, b, c, d) = (letter(), letter(), letter(), letter());
    format!(
        "{a}{b}{} {}{c}{d}",
        rng.random_range(1..20),
        rng.random_range(1..10)
    )
}

fn line(number: u32, rng: &mut ChaCha8Rng) -> Line {
    let (sku, description, unit_price_minor) =
        CATALOGUE
            .choose(rng)
            .copied()
            .unwrap_or(("GIFT", "Gift card", 1_000));
    Line {
        number,
        sku: sku.to_owned(),
        description: description.to_owned(),
        quantity: rng.random_range(1..=3),
        unit_price_minor,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_everywhere_and_sums_hold() {
        let (first, second) = (orders(), orders());
        assert!(first == second);
        assert_eq!(first.len(), 10_000);
        for order in first {
            let sum: i64 = order
                .lines
                .iter()
                .map(|l| l.unit_price_minor * i64::from(l.quantity))
                .sum();
            assert_eq!(order.total_minor, sum);
            assert!(!order.lines.is_empty());
        }
    }
}
