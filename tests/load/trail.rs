//! An audit trail to measure with.

use std::time::Duration;

use anyhow::Result;
use strata_audit::{Keeper, ResourceKey, Trail};
use strata_config::Audit;
use strata_middleware::{AuditLayer, ReleaseLayer};
use strata_telemetry::Events;
use strata_tls::Material;
use tempfile::TempDir;
use tower::layer::util::Stack;

/// The audit layer within `release`, over a trail with room for all that is measured: what a request waits
/// for. What its thread does beside them is part of the ratio.
pub(crate) fn around(
    release: ReleaseLayer,
    material: &Material,
    events: Events,
) -> Result<(Stack<AuditLayer, ReleaseLayer>, (TempDir, Keeper))> {
    let folder = tempfile::tempdir()?;
    let settings = Audit {
        folder: folder.path().join("audit"),
        checkpoints: folder.path().join("checkpoints"),
        file_bytes: 1 << 30,
        file_age: Duration::from_secs(3600),
        retention: Duration::from_secs(3600),
        queue: 1 << 20,
    };
    let (signer, auditors) = (material.audit_signer(), material.auditors());
    let key = ResourceKey::derived(b"key");
    let (trail, keeper) = Trail::open(settings, material.id(), key, signer, &auditors)?;
    let layers = Stack::new(AuditLayer::new(trail, events), release);
    Ok((layers, (folder, keeper)))
}
