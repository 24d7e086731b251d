//! The four environments.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Where a process runs. Chosen by `STRATA_ENV` alone; there is no default, so that nothing meant
/// for one environment starts in another by omission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// A developer's machine: throw-away certificates and data.
    Dev,
    /// Automated tests.
    Test,
    /// The last stop before production, as strict as production.
    Staging,
    /// Production.
    Prod,
}

impl Environment {
    /// Every environment, least strict first.
    pub const ALL: [Self; 4] = [Self::Dev, Self::Test, Self::Staging, Self::Prod];

    /// Reads the value of `STRATA_ENV`.
    ///
    /// # Errors
    /// [`EnvironmentError`] when the variable is missing or names no environment.
    pub fn read(value: Option<&str>) -> Result<Self, EnvironmentError> {
        value.ok_or(EnvironmentError::Missing)?.parse()
    }

    /// Lower-case name, as it stands in `STRATA_ENV`, trust domains and file names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Test => "test",
            Self::Staging => "staging",
            Self::Prod => "prod",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Environment {
    type Err = EnvironmentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|environment| environment.as_str() == text)
            .ok_or(EnvironmentError::Unknown)
    }
}

/// `STRATA_ENV` does not say where the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// The variable is not set.
    #[error("STRATA_ENV is not set: set it to dev, test, staging or prod")]
    Missing,
    /// The variable names no environment.
    #[error("STRATA_ENV names no environment: set it to dev, test, staging or prod")]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_nothing_else_is_read() {
        for environment in Environment::ALL {
            assert_eq!(
                Environment::read(Some(environment.as_str())),
                Ok(environment)
            );
        }
        for text in ["", "Dev", "production", "dev "] {
            assert_eq!(
                Environment::read(Some(text)),
                Err(EnvironmentError::Unknown)
            );
        }
        assert_eq!(Environment::read(None), Err(EnvironmentError::Missing));
    }

    #[test]
    fn both_errors_list_every_environment() {
        for error in [EnvironmentError::Missing, EnvironmentError::Unknown] {
            for environment in Environment::ALL {
                assert!(error.to_string().contains(environment.as_str()));
            }
        }
    }
}
