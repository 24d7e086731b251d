//! What of the context a policy reads.

use serde_json::Value;

/// Which parts of the context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    pub(crate) time: bool,
    pub(crate) network: bool,
    pub(crate) caller: bool,
}

impl Reads {
    const ALL: Self = Self {
        time: true,
        network: true,
        caller: true,
    };

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
                    .fold(Self::default(), Self::and)
            }
            Value::Array(items) => items.iter().map(Self::of).fold(Self::default(), Self::and),
            _ => Self::default(),
        }
    }

    /// `context.time`, `context has caller`.
    fn of_attribute(operator: &str, operand: &Value) -> Option<Self> {
        let left = operand.get("left")?.get("Var")?;
        if ![".", "has"].contains(&operator) || left != "context" {
            return None;
        }
        let none = Self::default();
        Some(match operand.get("attr")?.as_str()? {
            // One for the whole process.
            "environment" => none,
            "time" => Self { time: true, ..none },
            "network" => Self {
                network: true,
                ..none
            },
            "caller" => Self {
                caller: true,
                ..none
            },
            _ => Self::ALL,
        })
    }

    /// What either reads.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            time: self.time || other.time,
            network: self.network || other.network,
            caller: self.caller || other.caller,
        }
    }

    /// Whether a decision holds until the policies change, for the same caller and user.
    pub(crate) const fn is_lasting(self) -> bool {
        !self.time && !self.network
    }
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
        let none = Reads::default();
        assert_eq!(reads("principal.region == \"uk\""), none);
        assert_eq!(reads("context.environment == \"prod\""), none);
        assert!(none.is_lasting());
        let network = reads("context.environment == \"dev\" || context.network.isLoopback()");
        assert!(network.network && !network.time && !network.is_lasting());
        let time = reads("context.time.toTime() > duration(\"9h\")");
        assert!(time.time && !time.network && !time.is_lasting());
        let caller = reads("context has caller && context.caller == Workload::\"process/a\"");
        assert!(caller.caller && caller.is_lasting());
        assert_eq!(reads("context == {}"), Reads::ALL);
        assert_eq!(reads("[context].contains({})"), Reads::ALL);
        assert_eq!(reads("context.risk > 3"), Reads::ALL);
    }
}
