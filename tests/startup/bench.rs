//! The real binaries, each over material of its own, and what must hold of one that refuses.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use strata_config::Environment;
use strata_core::Layer;
use strata_estate::{Binaries, Issuer, Pki, Profile, ServiceFolder, Workspace, build};
use strata_tests::{Ended, Launch};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Built once for all tests of this binary.
static BINARIES: OnceCell<Binaries> = OnceCell::const_new();

/// One service and a place for everything it needs.
pub(crate) struct Bench {
    pub(crate) service: ServiceFolder,
    pub(crate) material: PathBuf,
    binary: PathBuf,
    issuer: Issuer,
    scratch: TempDir,
    taken: TcpListener,
}

impl Bench {
    /// A service called `<layer>-<name>`.
    pub(crate) async fn of(binary: &str) -> Self {
        let workspace = Workspace::find().unwrap();
        let binaries = BINARIES
            .get_or_init(|| async { build(&workspace, Profile::Debug, |_| {}).await.unwrap() })
            .await;
        let services = workspace.services().unwrap();
        let service = services
            .into_iter()
            .find(|service| service.binary == binary);
        let scratch = tempfile::tempdir().unwrap();
        let pki = Pki::init(&scratch.path().join("pki"), Environment::Dev).unwrap();
        let service = service.unwrap();
        Self {
            material: pki
                .issue(&service.manifest, &service.exempted().unwrap())
                .unwrap(),
            binary: binaries.path(binary).unwrap().to_owned(),
            issuer: Issuer::start((Ipv4Addr::LOCALHOST, 0).into(), Vec::new())
                .await
                .unwrap(),
            service,
            scratch,
            taken: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(),
        }
    }

    /// A path in a folder of this test's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// A port that is taken.
    pub(crate) fn taken(&self) -> SocketAddr {
        self.taken.local_addr().unwrap()
    }

    /// A process with nothing wrong about it.
    pub(crate) fn honest(&self) -> Launch {
        let launch = Launch::new(&self.binary, &self.service.folder).unwrap();
        let launch = launch.set("STRATA_TLS__MATERIAL", &self.material);
        match self.service.manifest.layer {
            Layer::System => {
                let url = format!("sqlite:{}", self.path("data.db").display());
                launch.set("STRATA_DATABASE__URL", url)
            }
            Layer::Process => launch,
            Layer::Experience => launch.set("STRATA_TOKENS__ISSUER", self.issuer.url()),
        }
    }

    /// The same, over a copy of the service's folder that a test may change.
    pub(crate) fn copy(&self) -> PathBuf {
        let copy = self.path("folder");
        for entry in walkdir::WalkDir::new(&self.service.folder) {
            let entry = entry.unwrap();
            let to = copy.join(entry.path().strip_prefix(&self.service.folder).unwrap());
            if entry.file_type().is_dir() {
                fs::create_dir_all(to).unwrap();
            } else {
                fs::copy(entry.path(), to).unwrap();
            }
        }
        copy
    }

    /// Asserts that the honest process starts and stops.
    pub(crate) async fn assert_starts(&self, launch: Launch) {
        let instance = launch.start().await.unwrap();
        instance.terminate().unwrap();
        assert!(instance.ended().await.unwrap().status.success());
    }

    /// Asserts that a process refuses to start with one line that holds every part. Its port is
    /// taken: one that had tried to bind it before it looked would complain of that.
    pub(crate) async fn assert_refuses(&self, launch: Launch, parts: &[&str]) {
        let launch = launch.set("STRATA_LISTEN__ADDRESS", self.taken().to_string());
        assert_sentence(&launch.run().await.unwrap(), parts);
    }
}

/// Asserts that a process ended with an error of one line that holds every part.
pub(crate) fn assert_sentence(ended: &Ended, parts: &[&str]) {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(ended.stdout, "", "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert!(ended.stderr.starts_with("error: "), "{ended:?}");
    for part in parts {
        assert!(ended.stderr.contains(part), "{part}: {ended:?}");
    }
}

/// The text of a file, changed.
pub(crate) fn change(file: &Path, form: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(file).unwrap();
    let changed = form(text.clone());
    assert_ne!(text, changed);
    fs::write(file, changed).unwrap();
}
