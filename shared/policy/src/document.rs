//! A policy file that must be there.

use std::{fs, path::Path};

use serde::de::DeserializeOwned;
use strata_config::{Document, Problem};

use crate::PolicyError;

/// Reads a file whose absence would be a mistake.
pub(crate) fn read<T: DeserializeOwned>(file: &Path) -> Result<Document<T>, PolicyError> {
    let text = fs::read_to_string(file).map_err(|source| PolicyError::Unreadable {
        file: file.to_owned(),
        source,
    })?;
    Ok(Document::parse(&text, file)?)
}

/// The value, unless there are problems with it.
pub(crate) fn checked<T>(value: T, problems: Vec<Problem>) -> Result<T, PolicyError> {
    if problems.is_empty() {
        Ok(value)
    } else {
        Err(PolicyError::Document(problems.into()))
    }
}
