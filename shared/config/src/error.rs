//! What is wrong with a document or a configuration.

use std::fmt;

use figment::error::Kind;

/// One thing that is wrong, and where. It never holds the offending value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    place: String,
    what: String,
}

impl Problem {
    pub(crate) fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Everything found wrong at once, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(Vec<Problem>);

impl ConfigError {
    /// What was found.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl From<Vec<Problem>> for ConfigError {
    fn from(problems: Vec<Problem>) -> Self {
        Self(problems)
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Says what figment refused at `key`. Its own text is never used: it prints the value.
pub(crate) fn describe(key: &str, kind: &Kind) -> String {
    match kind {
        Kind::UnknownField(name, known) => {
            format!("unknown key '{key}'{}", hint(name, known.iter().copied()))
        }
        Kind::MissingField(_) => format!("key '{key}' is missing"),
        Kind::UnknownVariant(_, known) => {
            format!(
                "key '{key}' is not valid: expected {}",
                one_of(known.iter().copied())
            )
        }
        Kind::InvalidType(_, expected)
        | Kind::InvalidValue(_, expected)
        | Kind::InvalidLength(_, expected) => {
            format!("key '{key}' is not valid: expected {}", in_words(expected))
        }
        _ => format!("key '{key}' is not valid"),
    }
}

/// What may have been meant by `name`: the nearest known one, or else all of them.
pub(crate) fn hint<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let nearest = known
        .clone()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .min();
    match nearest {
        Some((distance, candidate)) if distance <= 2 => format!("; did you mean '{candidate}'?"),
        Some(_) => format!("; expected {}", one_of(known)),
        None => String::new(),
    }
}

fn one_of<'a>(known: impl Iterator<Item = &'a str>) -> String {
    format!("one of {}", known.collect::<Vec<_>>().join(", "))
}

/// serde names Rust's types; these are TOML's words for them.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "an array",
        "a map" => "a table",
        other => other.strip_prefix("struct ").map_or(other, |_| "a table"),
    }
}
