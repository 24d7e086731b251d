//! What a PKI makes, and what it refuses to.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _};

use strata_core::SpiffeId;
use strata_tls::{Exempted, Material, Trust};

use super::*;

const ENVIRONMENT: Environment = Environment::Dev;

fn manifest(layer: Layer) -> Manifest {
    let text = format!(
        "name = \"sample\"\nlayer = \"{layer}\"\nowner = \"team\"\ndescription = \"A sample.\"\n"
    );
    Manifest::parse(&text, Path::new("service.toml")).unwrap()
}

fn trust(own: SpiffeId) -> Trust {
    let domain = |layer| trust_domain(layer, ENVIRONMENT).unwrap();
    Trust {
        callers: own.layer().callers().map(domain).collect(),
        callees: own.layer().callees().map(domain).collect(),
        own,
        exempted: Exempted::default(),
        accept_stale_crls: false,
    }
}

fn load(pki: &Pki, layer: Layer) -> Material {
    let id = trust_domain(layer, ENVIRONMENT)
        .unwrap()
        .workload("sample")
        .unwrap();
    Material::load(&pki.material(layer, "sample"), trust(id)).unwrap()
}

#[test]
fn every_layer_gets_material_it_can_start_with() {
    let folder = tempfile::tempdir().unwrap();
    let pki = Pki::init(&folder.path().join("pki"), ENVIRONMENT).unwrap();
    for layer in Layer::ALL {
        let material = pki.issue(&manifest(layer), &[]).unwrap();
        assert_eq!(load(&pki, layer).id().layer(), layer);
        let key = fs::metadata(material.join("svid.key")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
        // The same for all, or the same value would have a token for each service.
        let tokens = strata_tls::read_private(&material.join("mask.key")).unwrap();
        let environment = fs::read(folder.path().join("pki/mask.key")).unwrap();
        assert_eq!(*tokens, environment);
    }
}

#[test]
fn nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("pki");
    let pki = Pki::init(&place, ENVIRONMENT).unwrap();
    let material = pki.issue(&manifest(Layer::System), &[]).unwrap();
    let before = fs::read(material.join("svid.pem")).unwrap();

    assert!(
        Pki::init(&place, ENVIRONMENT)
            .unwrap_err()
            .to_string()
            .contains("exists already")
    );
    let again = pki.issue(&manifest(Layer::System), &[]).unwrap_err();
    assert!(again.to_string().contains("exists already"));
    assert_eq!(fs::read(material.join("svid.pem")).unwrap(), before);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "a draft was left behind"
    );
}

#[test]
fn a_folder_serves_its_own_environment_only() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("pki");
    Pki::init(&place, Environment::Test).unwrap();
    assert!(Pki::open(&place, Environment::Test).is_ok());
    let error = Pki::open(&place, Environment::Prod)
        .unwrap_err()
        .to_string();
    assert!(error.contains("is not the authority of"), "{error}");
    let error = Pki::open(&folder.path().join("none"), Environment::Test).unwrap_err();
    assert!(error.to_string().contains("pki init"), "{error}");
}

#[test]
fn only_dev_makes_edge_certificates() {
    for environment in Environment::ALL {
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::init(&folder.path().join("pki"), environment).unwrap();
        let material = pki.issue(&manifest(Layer::Experience), &[]).unwrap();
        let dev = environment == Environment::Dev;
        assert_eq!(material.join("edge.pem").exists(), dev, "{environment}");
        assert_eq!(pki.edge_ca().exists(), dev, "{environment}");
    }
}

#[test]
fn after_a_rotation_both_authorities_are_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let pki = Pki::init(&folder.path().join("pki"), ENVIRONMENT).unwrap();
    for layer in Layer::ALL {
        pki.issue(&manifest(layer), &[]).unwrap();
    }
    let old = pki
        .authority(Layer::Process)
        .unwrap()
        .certificate_pem()
        .to_owned();
    pki.rotate_authority(Layer::Process).unwrap();
    let new = pki
        .authority(Layer::Process)
        .unwrap()
        .certificate_pem()
        .to_owned();
    assert_ne!(old, new);
    for layer in Layer::ALL {
        let material = pki.reissue(&manifest(layer), &[]).unwrap();
        load(&pki, layer);
        if layer != Layer::Process {
            let bundle = fs::read_to_string(material.join("bundles/process.pem")).unwrap();
            assert_eq!(bundle, new.clone() + &old);
        }
    }
}

#[test]
fn what_is_shown_is_what_was_signed() {
    let folder = tempfile::tempdir().unwrap();
    let pki = Pki::init(&folder.path().join("pki"), ENVIRONMENT).unwrap();
    for layer in Layer::ALL {
        pki.issue(&manifest(layer), &[]).unwrap();
    }
    let certificates = pki.certificates().unwrap();
    let usages: BTreeSet<_> = certificates
        .iter()
        .filter(|certificate| certificate.kind == CertificateKind::Svid)
        .map(|certificate| (certificate.layer.unwrap(), certificate.usages.join("+")))
        .collect();
    let expected = [
        (Layer::System, "serverAuth"),
        (Layer::Process, "serverAuth+clientAuth"),
        (Layer::Experience, "clientAuth"),
    ];
    assert_eq!(
        usages,
        expected
            .map(|(layer, usage)| (layer, usage.to_owned()))
            .into()
    );
    let of_kind = |kind| certificates.iter().filter(|c| c.kind == kind).count();
    assert_eq!(of_kind(CertificateKind::Authority), 6);
    assert_eq!(of_kind(CertificateKind::Audit), 3);
    let of_tokens = |c: &&CertificateInfo| c.kind == CertificateKind::Token;
    let token = certificates.iter().find(of_tokens).unwrap();
    assert_eq!(token.layer, Some(Layer::Experience));
    assert_eq!(token.usages, ["transactionToken"]);
    assert_eq!(of_kind(CertificateKind::Edge), 1);
}
