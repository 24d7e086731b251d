//! TLS as sslyze sees it, against Mozilla's "modern" profile: TLS 1.3 alone, its suites and curves,
//! ECDSA certificates, and none of the known weaknesses.

use std::{path::Path, process::Stdio, time::Duration};

use strata_core::Layer;
use strata_estate::pki::{LeafSpec, Pki};
use strata_tests::{
    Rig,
    programs::{openssl, outcome, python, source},
};
use tokio::{
    net::TcpStream,
    process::Command,
    time::{sleep, timeout},
};

const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);
/// The one deviation a private CA makes.
const PRIVATE_CA: &str = "certificate_path_validation";

/// Which demands of the profile the server at `port` of loopback does not meet. Nothing when
/// sslyze cannot be had here.
async fn deviations(port: u16, roots: Option<&Path>, own: Option<&Path>) -> Option<Vec<String>> {
    let folder = python("interop/sslyze").await.unwrap()?;
    let mut sslyze = Command::new(folder.join("python"));
    sslyze
        .env_clear()
        .arg(source("interop/sslyze/examine.py").unwrap())
        .arg(port.to_string());
    for (option, file) in [("--roots", roots), ("--material", own)] {
        if let Some(file) = file {
            sslyze.arg(option).arg(file);
        }
    }
    let said = outcome(sslyze, b"").await.unwrap();
    Some(serde_json::from_str(&said).unwrap())
}

/// Every port passes but for its CA, which no browser knows, and passes whole with that CA given.
pub(crate) async fn every_port_is_modern(rig: &mut Rig) {
    for service in rig.estate.services() {
        let edge = service.layer == Layer::Experience;
        let authorities = rig.estate.edge_ca();
        let roots = if edge {
            authorities
        } else {
            authorities.with_file_name(format!("{}.pem", service.layer))
        };
        // A port that asks for a certificate is shown one of a caller's layer, and completes.
        let caller = service.layer.callers().next().map(|layer| {
            let mut services = rig.estate.services().iter();
            services.find(|service| service.layer == layer).unwrap()
        });
        let own = caller.map(|caller| caller.material.as_path());
        let port = service.address.port();
        let Some(found) = deviations(port, None, own).await else {
            return;
        };
        assert_eq!(found, [PRIVATE_CA], "{}", service.name);
        let found = deviations(port, Some(&roots), own).await.unwrap();
        assert!(found.is_empty(), "{}: {found:?}", service.name);
    }
}

/// The check above can fail: a server of TLS 1.2 does not pass it.
pub(crate) async fn a_port_that_is_not_modern_is_found_out(rig: &mut Rig) {
    let Some(openssl) = openssl().await.unwrap() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let port = old_server(openssl, rig.estate.pki(), folder.path()).await;
    let (port, _server) = port;
    let Some(found) = deviations(port, None, None).await else {
        return;
    };
    for expected in [PRIVATE_CA, "tls_versions", "ciphers"] {
        assert!(found.iter().any(|found| found == expected), "{found:?}");
    }
}

/// OpenSSL's server, which speaks TLS 1.2 as well. It ends when dropped.
async fn old_server(
    mut openssl: Command,
    pki: &Pki,
    folder: &Path,
) -> (u16, tokio::process::Child) {
    let spec = LeafSpec::edge("storefront", pki.environment());
    let leaf = pki
        .authority(Layer::Experience)
        .unwrap()
        .issue(&spec)
        .unwrap();
    let (certificate, key) = (folder.join("leaf.pem"), folder.join("leaf.key"));
    std::fs::write(&certificate, leaf.certificate_pem()).unwrap();
    std::fs::write(&key, leaf.key_pem()).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    openssl
        .args(["s_server", "-quiet", "-accept", &address.to_string()])
        .arg("-cert")
        .arg(certificate)
        .arg("-key")
        .arg(key)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let server = openssl.spawn().unwrap();
    let listening = async {
        while TcpStream::connect(address).await.is_err() {
            sleep(LOOK).await;
        }
    };
    timeout(PATIENCE, listening).await.expect("it listens");
    (address.port(), server)
}
