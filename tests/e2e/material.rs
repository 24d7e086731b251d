//! Material that breaks while a service runs.

use std::{fs, path::Path, time::Duration};

use bytes::Bytes;
use strata_core::Layer;
use strata_estate::pki::LeafSpec;
use strata_testkit::{Credential, Probe, crl};
use strata_tests::{Counts, Rig, eventually};
use time::OffsetDateTime;
use tonic::Code;

/// Above the look every 15 seconds.
const PATIENCE: Duration = Duration::from_secs(30);

type Fault = (&'static str, fn(&Rig, &Path));

/// What breaks, the file the log must name, and how.
const FAULTS: [Fault; 3] = [
    ("svid.pem", |_, material| {
        let file = material.join("svid.pem");
        let whole = fs::read_to_string(&file).unwrap();
        fs::write(file, &whole[..whole.len() / 2]).unwrap();
    }),
    ("svid.key", |rig, material| {
        let other = &rig.estate.service("orders").unwrap().material;
        fs::copy(other.join("svid.key"), material.join("svid.key")).unwrap();
    }),
    ("crls/process.pem", |rig, material| {
        // Of another layer's CA: it says nothing of those this service trusts.
        let other = rig.estate.pki().authority(Layer::System).unwrap();
        let next = OffsetDateTime::now_utc() + time::Duration::days(1);
        fs::create_dir(material.join("crls")).unwrap();
        fs::write(
            material.join("crls/process.pem"),
            crl(&other, next).unwrap(),
        )
        .unwrap();
    }),
];

/// A new connection is answered by the last good material; the log names what is wrong.
pub(crate) async fn broken_material_changes_nothing_until_it_is_mended(rig: &mut Rig) {
    let folder = tempfile::tempdir().unwrap();
    let material = folder.path().join("material");
    copy(
        &rig.estate.service("customers").unwrap().material,
        &material,
    );
    let launch = rig.another("customers").unwrap();
    let service = launch.set("STRATA_TLS__MATERIAL", &material).start();
    let service = service.await.unwrap();
    let caller = &rig.estate.service("customer-overview").unwrap().id;
    let credential = Credential::honest(rig.estate.pki(), caller).unwrap();
    let answers = async || {
        let mut probe = Probe::new(rig.estate.pki(), service.address, &credential).unwrap();
        let path = "/system.customers.v1.CustomersService/GetCustomer";
        let status = probe.call(path, Bytes::new()).await.unwrap_err();
        // Of the stack behind the handshake: no user came along.
        status.code() == Code::PermissionDenied || status.code() == Code::Unauthenticated
    };
    assert!(answers().await);
    for (file, break_it) in FAULTS {
        let before = Counts::of(service.admin).await.unwrap();
        let logged = service.log().len();
        break_it(rig, &material);
        let refused = eventually(PATIENCE, async || {
            let now = Counts::of(service.admin).await?;
            Ok(now.reloads("refused") > before.reloads("refused"))
        });
        refused.await.unwrap();
        let log = service.log();
        let named = |line: &str| line.contains("WARN") && line.contains(file);
        assert!(log[logged..].lines().any(named), "{file}: {log}");
        assert!(answers().await, "{file}");
        assert!(service.is_ready().await.unwrap(), "{file}");

        let before = Counts::of(service.admin).await.unwrap();
        mend(rig, &material);
        let mended = eventually(PATIENCE, async || {
            let now = Counts::of(service.admin).await?;
            Ok(now.reloads("replaced") > before.reloads("replaced"))
        });
        mended
            .await
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(answers().await, "{file}");
    }
}

/// With a fresh SVID: what was in force before would be no change.
fn mend(rig: &Rig, material: &Path) {
    let id = &rig.estate.service("customers").unwrap().id;
    let pki = rig.estate.pki();
    let spec = LeafSpec::svid(id, pki.environment());
    let leaf = pki.authority(id.layer()).unwrap().issue(&spec).unwrap();
    let _none = fs::remove_dir_all(material.join("crls"));
    fs::write(material.join("svid.key"), leaf.key_pem()).unwrap();
    fs::write(material.join("svid.pem"), leaf.certificate_pem()).unwrap();
}

pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let to = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(to).unwrap();
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
