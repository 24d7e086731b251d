//! Masking: it shows less and never more.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use prost::Message;
use proto_experience_storefront::v1;
use proto_experience_support_desk::v1 as desk;
use proto_system_customers::v1 as customers;
use serde::Serialize;
use serde_json::Value;
use strata_core::{
    Category, Classified, Clearance, Label, Sensitivity,
    masking::{beyond, goes_out_whole, mask},
};
use strata_release::{KeyedTokens, Release};

use crate::{Target, Verdict};

/// An input is a byte that chooses the type of a message, two clearances of two bytes each, and the
/// message in protobuf.
pub struct Mask {
    tokens: Arc<KeyedTokens>,
}

/// Texts by where they stand.
type Texts = BTreeMap<String, String>;

impl Target for Mask {
    const NAME: &'static str = "mask";

    fn new() -> Result<Self> {
        let tokens = KeyedTokens::parse(STANDARD.encode([7; 32]).as_bytes())?;
        Ok(Self {
            tokens: Arc::new(tokens),
        })
    }

    fn honest(&self) -> Result<Vec<Vec<u8>>> {
        let customer = customers::Customer {
            customer_id: "cus_1".to_owned(),
            name: Some(customers::Name {
                given: "\u{c9}milie".to_owned(),
                family: "Other".to_owned(),
            }),
            email: "emilie@example.com".to_owned(),
            phone: "+447700900123".to_owned(),
            address: Some(customers::Address {
                street: "17 Station Road".to_owned(),
                city: "London".to_owned(),
                postcode: "SW1A 1AA".to_owned(),
                country: "GB".to_owned(),
            }),
            birth_date: "1984-02-29".to_owned(),
            national_id: "AB123456C".to_owned(),
            loyalty_tier: 3,
            region: "uk".to_owned(),
            access_needs: "a ramp".to_owned(),
            payment_account: "GB33BUKB20201555555555".to_owned(),
            brand: "brand".to_owned(),
            ..customers::Customer::default()
        };
        let overview = v1::GetMyOverviewResponse {
            profile: Some(v1::Profile {
                customer_id: "cus_1".to_owned(),
                full_name: "Ann Other".to_owned(),
                email: "ann@example.com".to_owned(),
                phone: "1234567".to_owned(),
                marketing_email: true,
                loyalty_tier: 3,
                ..v1::Profile::default()
            }),
            recent_orders: vec![v1::Order {
                order_id: "ord_1".to_owned(),
                status: 3,
                total_minor: 25_990,
                lines: vec![v1::OrderLine::default(); 2],
                ..v1::Order::default()
            }],
            ..v1::GetMyOverviewResponse::default()
        };
        let found = desk::SearchCustomersResponse {
            customers: vec![desk::CustomerSummary {
                full_name: "Ann Other".to_owned(),
                email: "no address".to_owned(),
                ..desk::CustomerSummary::default()
            }],
            next_page_token: "next".to_owned(),
        };
        let change = v1::UpdateMyContactRequest {
            email: Some(String::new()),
            phone: Some("+1".to_owned()),
            idempotency_key: "k".to_owned(),
        };
        let messages = [
            customer.encode_to_vec(),
            overview.encode_to_vec(),
            found.encode_to_vec(),
            change.encode_to_vec(),
        ];
        let clearances = [[0, 0, 3, 0x3f], [2, 1, 1, 0x21], [3, 0x3f, 2, 0x11]];
        let inputs = (0..).zip(messages).flat_map(|(of, message)| {
            clearances.map(|clearances| [&[of], &clearances[..], &message].concat())
        });
        Ok(inputs.collect())
    }

    fn check(&self, input: &[u8]) -> Result<Verdict> {
        let [of, a, a_bits, b, b_bits, message @ ..] = input else {
            return Ok(Verdict::Refused);
        };
        let clearances = (clearance(*a, *a_bits), clearance(*b, *b_bits));
        match of % 6 {
            0 => self.masked::<customers::Customer>(clearances, message, customer),
            1 => self.masked::<v1::GetMyOverviewResponse>(clearances, message, json),
            2 => self.masked::<desk::SearchCustomersResponse>(clearances, message, json),
            3 => self.masked::<v1::UpdateMyContactRequest>(clearances, message, json),
            4 => self.masked::<desk::GetCustomerOverviewResponse>(clearances, message, json),
            _ => self.masked::<v1::ListMyOrdersResponse>(clearances, message, json),
        }
    }
}

/// Any clearance there is.
fn clearance(sensitivity: u8, bits: u8) -> Clearance {
    let sensitivity = match sensitivity % 4 {
        0 => Sensitivity::Public,
        1 => Sensitivity::Internal,
        2 => Sensitivity::Confidential,
        _ => Sensitivity::Restricted,
    };
    let all = Category::ALL.into_iter();
    let held: Vec<_> = all.filter(|one| bits & (1 << *one as u8) != 0).collect();
    Clearance(Label::new(sensitivity, &held))
}

impl Mask {
    fn masked<T>(
        &self,
        (a, b): (Clearance, Clearance),
        bytes: &[u8],
        texts: impl Fn(&T) -> Option<Texts>,
    ) -> Result<Verdict>
    where
        T: Classified + Message + Default + Clone + PartialEq,
    {
        let Ok(whole) = T::decode(bytes) else {
            return Ok(Verdict::Refused);
        };
        let tokens = &*self.tokens;
        let under = |message: &T, clearance| {
            let mut message = message.clone();
            let masked = mask(&mut message, clearance, tokens);
            (message, masked)
        };
        let (once, masked) = under(&whole, a);
        let (twice, again) = under(&once, a);
        ensure!(once == twice, "masked twice is not masked once");
        ensure!(
            masked.places == again.places,
            "the next hop says something else"
        );
        ensure!(
            masked.released.is_none_or(|label| a.covers(label)),
            "{:?} went out to {a:?}",
            masked.released
        );
        if goes_out_whole::<T>(a) {
            ensure!(once == whole, "what goes out whole is masked");
        }
        if masked.places.is_empty() {
            ensure!(once == whole, "what is masked is not told");
            let beyond = beyond(&mut whole.clone(), a);
            ensure!(beyond.is_empty(), "{beyond:?} may be read and not be sent");
        }
        // Hops agree without knowing of each other.
        let (then, _) = under(&once, b);
        let (other, _) = under(&under(&whole, b).0, a);
        let (meet, _) = under(&whole, a.narrowed_to(b));
        ensure!(then == other && then == meet, "the order of hops counts");
        if let (Some(whole), Some(shown)) = (texts(&whole), texts(&once)) {
            hidden(&masked.places.names(), &whole, &shown)?;
        }
        self.answered(&whole, a, &once)?;
        Ok(Verdict::Accepted)
    }

    /// What goes out by the one way there is.
    fn answered<T>(&self, whole: &T, clearance: Clearance, expected: &T) -> Result<()>
    where
        T: Classified + Clone + PartialEq,
    {
        let release = Arc::new(Release::new(clearance, clearance, self.tokens.clone()));
        let mut answer = whole.clone();
        release.enter(|| strata_release::answer(&mut answer));
        ensure!(answer == *expected, "an answer is masked in another way");
        ensure!(
            clearance.covers(release.held()),
            "it held {:?}",
            release.held()
        );
        Ok(())
    }
}

/// Whatever text stands at a masked place says no more than masks say, and elsewhere nothing is changed.
fn hidden(places: &[String], whole: &Texts, shown: &Texts) -> Result<()> {
    for (at, text) in whole {
        let is_hidden = places.contains(&place(at));
        let Some(shown) = shown.get(at) else {
            ensure!(is_hidden, "{at} is gone");
            continue;
        };
        if is_hidden {
            ensure!(says_little(shown), "{at}: {shown}");
        } else {
            ensure!(shown == text, "{at} is changed");
        }
    }
    for at in shown.keys() {
        ensure!(whole.contains_key(at), "{at} came from nowhere");
    }
    Ok(())
}

/// A path without the numbers of items: they are one place.
fn place(at: &str) -> String {
    let parts = at.split('.');
    let names: Vec<_> = parts
        .filter(|part| part.parse::<usize>().is_err())
        .collect();
    names.join(".")
}

/// Whether it is what one of the masks leaves.
fn says_little(shown: &str) -> bool {
    let few = |text: &str, most: usize| text.chars().count() <= most;
    // What is no text is left as if nobody had set it: numbers and enums are texts in JSON.
    shown.is_empty()
        || shown == "0"
        || shown.ends_with("_UNSPECIFIED")
        || shown.starts_with("***@")
        || shown.strip_suffix("***").is_some_and(|rest| few(rest, 1))
        || shown.strip_suffix(" ***").is_some_and(|rest| few(rest, 4))
        || shown.strip_prefix("****").is_some_and(|rest| few(rest, 4))
        || (shown.len() == 4 && shown.bytes().all(|byte| byte.is_ascii_digit()))
        || (shown.len() == 36 && shown.starts_with("tok_"))
}

/// The texts of a message that has a JSON form; none of one that has none.
fn json<T: Serialize>(message: &T) -> Option<Texts> {
    fn collect(at: &str, value: &Value, texts: &mut Texts) {
        let below = |name: &str| match at {
            "" => name.to_owned(),
            at => format!("{at}.{name}"),
        };
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    collect(&below(name), value, texts);
                }
            }
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    collect(&below(&number.to_string()), item, texts);
                }
            }
            Value::String(text) => drop(texts.insert(at.to_owned(), text.clone())),
            _ => {}
        }
    }
    let value = serde_json::to_value(message).ok()?;
    let mut texts = Texts::new();
    collect("", &value, &mut texts);
    Some(texts)
}

/// The texts of a customer, by the names that JSON would have for them: a System API has no JSON form.
fn customer(customer: &customers::Customer) -> Option<Texts> {
    let name = customer.name.clone().unwrap_or_default();
    let address = customer.address.clone().unwrap_or_default();
    let texts = [
        ("customerId", &customer.customer_id),
        ("name.given", &name.given),
        ("name.family", &name.family),
        ("email", &customer.email),
        ("phone", &customer.phone),
        ("address.street", &address.street),
        ("address.city", &address.city),
        ("address.postcode", &address.postcode),
        ("address.country", &address.country),
        ("birthDate", &customer.birth_date),
        ("nationalId", &customer.national_id),
        ("region", &customer.region),
        ("accessNeeds", &customer.access_needs),
        ("paymentAccount", &customer.payment_account),
        ("brand", &customer.brand),
    ];
    let texts = texts.map(|(at, text)| (at.to_owned(), text.clone()));
    Some(texts.into())
}
