//! Changes of how a customer is reached.

use strata_core::{Error, ErrorCode};

use crate::domain::Customer;

/// The longest address SMTP carries (RFC 5321, section 4.5.3.1.3, without the angle brackets).
const LONGEST_EMAIL: usize = 254;
/// The most digits of an international number (ITU-T E.164, section 6).
const MOST_DIGITS: usize = 15;

/// How a customer is reached.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Contact {
    /// E-mail address.
    pub(crate) email: String,
    /// Telephone number, E.164.
    pub(crate) phone: String,
}

/// A checked change. What is absent stays.
#[derive(PartialEq, Eq)]
pub(crate) struct ContactChange {
    /// Whose contact.
    pub(crate) customer_id: String,
    /// The new e-mail address.
    pub(crate) email: Option<String>,
    /// The new telephone number.
    pub(crate) phone: Option<String>,
}

impl ContactChange {
    /// Checks that there is something to change, and what can be known of it without asking: whether
    /// anybody answers there, only a message tells.
    ///
    /// # Errors
    /// `InvalidArgument` naming the field.
    pub(crate) fn new(
        customer_id: String,
        email: Option<String>,
        phone: Option<String>,
    ) -> Result<Self, Error> {
        let invalid = |message| Err(Error::new(ErrorCode::InvalidArgument, message));
        if email.is_none() && phone.is_none() {
            return invalid("nothing is to change: send email, phone or both");
        }
        if email.as_deref().is_some_and(|email| !is_email(email)) {
            return invalid(
                "email must be an address of at most 254 visible ASCII characters, name@domain",
            );
        }
        if phone.as_deref().is_some_and(|phone| !is_phone(phone)) {
            return invalid("phone must be in E.164 form: + and at most 15 digits");
        }
        Ok(Self {
            customer_id,
            email,
            phone,
        })
    }

    /// The contact of `customer` after the change.
    pub(crate) fn applied_to(&self, customer: Customer) -> Contact {
        Contact {
            email: self.email.clone().unwrap_or(customer.email),
            phone: self.phone.clone().unwrap_or(customer.phone),
        }
    }
}

/// Visible ASCII: not every mail server takes more (RFC 6531).
fn is_email(text: &str) -> bool {
    let shape = text.split_once('@');
    text.len() <= LONGEST_EMAIL
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && shape.is_some_and(|(name, domain)| {
            !name.is_empty() && !domain.is_empty() && !domain.contains('@')
        })
}

/// No country code starts with 0.
fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (1..=MOST_DIGITS).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(email: Option<&str>, phone: Option<&str>) -> Result<ContactChange, Error> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        ContactChange::new("cus_000001".to_owned(), owned(email), owned(phone))
    }

    #[test]
    fn a_change_is_one_and_can_be_meant() {
        assert!(change(Some("ann@example.com"), None).is_ok());
        assert!(change(None, Some("+447700900123")).is_ok());
        assert!(change(None, None).is_err());
        let long = format!("{}@example.com", "a".repeat(243));
        for bad in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "a@b@c",
            "ann @b.c",
            "a\n@b.c",
            "\u{e9}@b.c",
            &long,
        ] {
            assert!(change(Some(bad), Some("+447700900123")).is_err(), "{bad}");
        }
        for bad in [
            "",
            "+",
            "447700900123",
            "+0477009",
            "+44 77",
            "+1234567890123456",
        ] {
            assert!(change(Some("ann@example.com"), Some(bad)).is_err(), "{bad}");
        }
    }
}
