//! What of the context a policy reads.

use serde_json::Value;

/// Which parts of the context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reads(u8);

impl Reads {
    pub(crate) const TIME: Self = Self(1);
    pub(crate) const NETWORK: Self = Self(1 << 1);
    pub(crate) const CALLER: Self = Self(1 << 2);
    pub(crate) const LEVEL: Self = Self(1 << 3);
    pub(crate) const METHODS: Self = Self(1 << 4);
    pub(crate) const AGE: Self = Self(1 << 5);
    pub(crate) const RISK: Self = Self(1 << 6);
    const NOTHING: Self = Self(0);
    const ALL: Self = Self((1 << 7) - 1);

    /// What the policy reads, from its JSON form
    /// (<https://docs.cedarpolicy.com/policies/json-format.html>). What is not understood counts as
    /// reading everything: too much is built then, and never too little.
    pub(crate) fn of(json: &Value) -> Self {
        match json {
            Value::Object(members) => {
                if members.get("Var").is_some_and(|var| var == "context") {
                    return Self::ALL;
                }
                members
                    .iter()
                    .map(|(operator, operand)| {
                        Self::of_attribute(operator, operand).unwrap_or_else(|| Self::of(operand))
                    })
                    .fold(Self::NOTHING, Self::and)
            }
            Value::Array(items) => items.iter().map(Self::of).fold(Self::NOTHING, Self::and),
            _ => Self::NOTHING,
        }
    }

    /// `context.time`, `context has caller`, `context.authentication.level`.
    fn of_attribute(operator: &str, operand: &Value) -> Option<Self> {
        if ![".", "has"].contains(&operator) {
            return None;
        }
        let (of, attribute) = access(operand)?;
        if is_context(of) {
            return Some(match attribute {
                // One for the whole process.
                "environment" => Self::NOTHING,
                "time" => Self::TIME,
                "network" => Self::NETWORK,
                "caller" => Self::CALLER,
                "risk" => Self::RISK,
                _ => Self::ALL,
            });
        }
        let (of, within) = access(of.get(".")?)?;
        (is_context(of) && within == "authentication").then_some(match attribute {
            "level" => Self::LEVEL,
            "methods" => Self::METHODS,
            "age" => Self::AGE,
            _ => Self::ALL,
        })
    }

    /// What either reads.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it reads any of these.
    pub(crate) const fn any(self, these: Self) -> bool {
        self.0 & these.0 != 0
    }

    /// Whether a decision holds until the policies change, for the same caller, user and sign-in.
    pub(crate) const fn is_lasting(self) -> bool {
        !self.any(Self::TIME.and(Self::NETWORK))
    }
}

/// An attribute, and of what.
fn access(operand: &Value) -> Option<(&Value, &str)> {
    Some((operand.get("left")?, operand.get("attr")?.as_str()?))
}

fn is_context(value: &Value) -> bool {
    value.get("Var").is_some_and(|var| var == "context")
}

#[cfg(test)]
mod tests {
    use cedar_policy::Policy;

    use super::*;

    fn reads(condition: &str) -> Reads {
        let text = format!("permit (principal, action, resource) when {{ {condition} }};");
        let policy = Policy::parse(None, text).unwrap();
        Reads::of(&policy.to_json().unwrap())
    }

    #[test]
    fn what_is_read_is_known_and_in_doubt_it_is_everything() {
        for (condition, expected) in [
            ("principal.region == \"uk\"", Reads::NOTHING),
            ("context.environment == \"prod\"", Reads::NOTHING),
            (
                "context.environment == \"dev\" || context.network.isLoopback()",
                Reads::NETWORK,
            ),
            ("context.time.toTime() > duration(\"9h\")", Reads::TIME),
            (
                "context has caller && context.caller == Workload::\"process/a\"",
                Reads::CALLER,
            ),
            ("context.risk > 3", Reads::RISK),
            ("context.authentication.level == \"high\"", Reads::LEVEL),
            (
                "context.authentication has age && context.authentication.age < 300",
                Reads::AGE,
            ),
            (
                "context.authentication.methods.contains(\"otp\")",
                Reads::METHODS,
            ),
            ("context.authentication == {}", Reads::ALL),
            ("context has authentication", Reads::ALL),
            ("context == {}", Reads::ALL),
            ("[context].contains({})", Reads::ALL),
            ("context.weather == 3", Reads::ALL),
        ] {
            assert_eq!(reads(condition), expected, "{condition}");
        }
        for lasting in [Reads::NOTHING, Reads::CALLER, Reads::AGE, Reads::RISK] {
            assert!(lasting.is_lasting());
        }
        for passing in [Reads::TIME, Reads::NETWORK, Reads::ALL] {
            assert!(!passing.is_lasting());
        }
    }
}
