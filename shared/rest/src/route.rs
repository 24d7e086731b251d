//! One method's route, as a static table the generated code states.

use axum::routing::MethodFilter;
use strata_core::Method;

/// A method's route.
#[derive(Debug)]
pub struct Route {
    /// The HTTP method.
    pub verb: Verb,
    /// The path, `/v1/orders/{order_id}`.
    pub template: &'static str,
    /// The method it leads to.
    pub method: Method,
    /// The request's fields the path names.
    pub path: &'static [Parameter],
    /// The request's fields the query may name.
    pub query: &'static [Parameter],
    /// What the body is bound to.
    pub body: BodyBinding,
    /// Every field of the request: its name in the contract, and in JSON.
    pub fields: &'static [(&'static str, &'static str)],
    /// When its clients must have moved on; none while nothing replaces it.
    pub deprecation: Option<Deprecation>,
}

/// The end of a method, as its answers tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deprecation {
    /// Since when, as the value of `Deprecation`: `@1790812800` (RFC 9745, section 2.1).
    pub header: &'static str,
    /// From when on it is gone; none while no date is set.
    pub sunset: Option<Sunset>,
}

/// From when on a method is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sunset {
    /// In seconds since the Unix epoch.
    pub at: i64,
    /// As the value of `Sunset`: `Wed, 01 Oct 2031 00:00:00 GMT` (RFC 8594, section 3).
    pub header: &'static str,
}

/// The HTTP method of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// GET, and HEAD with it.
    Get,
    /// PUT.
    Put,
    /// POST.
    Post,
    /// DELETE.
    Delete,
    /// PATCH.
    Patch,
}

impl Verb {
    pub(crate) const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Put => MethodFilter::PUT,
            Self::Post => MethodFilter::POST,
            Self::Delete => MethodFilter::DELETE,
            Self::Patch => MethodFilter::PATCH,
        }
    }
}

/// What the JSON body is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyBinding {
    /// Nothing: a body is not read.
    None,
    /// The request message itself.
    Whole,
    /// One field of it, by its JSON name.
    Field(&'static str),
}

/// A field of the request that comes from the path or the query.
#[derive(Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in JSON, `pageSize`: the one errors show.
    pub json: &'static str,
    /// Its name in the contract, `page_size`, which is accepted as well.
    pub proto: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be given more than once.
    pub repeated: bool,
}

impl Parameter {
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.json == name || self.proto == name
    }
}

/// What a parameter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number of the field's width.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// The name of one of the enum's values.
    Enumeration,
    /// An RFC 3339 date and time.
    Timestamp,
    /// Seconds with an `s`, as the protobuf JSON mapping writes a duration.
    Duration,
    /// Base64.
    Bytes,
}

impl Kind {
    /// What a value must be, as the rest of a sentence that starts with the field.
    pub(crate) const fn expectation(self) -> &'static str {
        match self {
            Self::Text => "must be text",
            Self::Integer => "must be a whole number in range",
            Self::Number => "must be a number",
            Self::Boolean => "must be true or false",
            Self::Enumeration => "must be one of the values the contract names",
            Self::Timestamp => "must be an RFC 3339 date and time",
            Self::Duration => "must be a number of seconds followed by s",
            Self::Bytes => "must be base64",
        }
    }
}
