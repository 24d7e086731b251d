//! Which contracts a service may call: what its service.toml declares.

use std::{fs, path::Path};

use serde::Deserialize;
use strata_core::Layer;

use crate::{finding::Finding, folder::ContractId};

/// The services a service declares calls to.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// None while there is no service yet, only its contract.
    pub(super) services: Option<Vec<String>>,
    /// Those it calls by an exemption, over or not: what is built is the same on every day.
    pub(super) exempted: Vec<ContractId>,
}

/// What of service.toml matters here.
#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    calls: Vec<Call>,
    #[serde(default)]
    exemptions: Vec<Exemption>,
}

#[derive(Deserialize)]
struct Call {
    service: String,
}

#[derive(Deserialize)]
struct Exemption {
    layer: Layer,
    service: String,
}

impl Calls {
    /// Those `file` declares.
    pub(super) fn read(file: &Path) -> Result<Self, Finding> {
        if !file.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(file).map_err(|error| error.to_string());
        let manifest = text.and_then(|text| {
            toml::from_str::<Manifest>(&text).map_err(|error| error.message().to_owned())
        });
        match manifest {
            Ok(manifest) => Ok(Self {
                services: Some(
                    manifest
                        .calls
                        .into_iter()
                        .map(|call| call.service)
                        .collect(),
                ),
                exempted: manifest
                    .exemptions
                    .into_iter()
                    .map(|Exemption { layer, service }| ContractId { layer, service })
                    .collect(),
            }),
            Err(error) => Err(Finding::new(
                &file.display().to_string(),
                "",
                format!("says nothing that lineage can be checked by: correct it, {error}"),
            )),
        }
    }
}
