//! The announcement: what whoever started this process needs to know once it is ready.

use std::{io::Write, net::SocketAddr, path::Path};

use serde::Serialize;
use strata_core::{Layer, SpiffeId};

use crate::error::StartError;

/// Addresses and identity of a ready service.
#[derive(Serialize)]
pub(crate) struct Announcement<'a> {
    pub service: &'a str,
    pub layer: Layer,
    pub id: &'a str,
    pub address: SocketAddr,
    pub admin: SocketAddr,
    pub pid: u32,
}

impl<'a> Announcement<'a> {
    pub(crate) fn new(id: &'a SpiffeId, address: SocketAddr, admin: SocketAddr) -> Self {
        Self {
            service: id.service(),
            layer: id.layer(),
            id: id.as_str(),
            address,
            admin,
            pid: std::process::id(),
        }
    }

    /// Writes the file whole or not at all: a reader never sees half of it.
    pub(crate) fn write(&self, file: &Path) -> Result<(), StartError> {
        let failed = |source| StartError::Announce {
            file: file.to_owned(),
            source,
        };
        let folder = file.parent().unwrap_or(Path::new("."));
        let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        serde_json::to_writer(&mut temporary, self).map_err(|error| failed(error.into()))?;
        temporary.flush().map_err(failed)?;
        temporary
            .persist(file)
            .map_err(|error| failed(error.error))?;
        Ok(())
    }
}
