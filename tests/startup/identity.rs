//! What the material folder holds.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use strata_config::{Environment, trust_domain};
use strata_core::Layer;
use strata_estate::pki::{LeafSpec, Pki};
use strata_testkit::crl;

use crate::bench::Bench;

const SERVICES: [&str; 3] = [
    "system-customers",
    "process-customer-overview",
    "experience-storefront",
];

fn set_mode(file: &Path, mode: u32) {
    fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
}

/// A service that starts.
async fn bench(service: &str) -> Bench {
    let bench = Bench::of(service).await;
    bench.assert_starts(bench.honest()).await;
    bench
}

#[tokio::test]
async fn a_missing_file_is_named() {
    for service in SERVICES {
        let bench = bench(service).await;
        let mut files = vec!["svid.pem", "svid.key"];
        if bench.service.manifest.layer == Layer::Experience {
            files.extend(["edge.pem", "edge.key", "token.pem", "token.key"]);
        }
        for file in files {
            let path = bench.material.join(file);
            let kept = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            bench.assert_refuses(bench.honest(), &[file]).await;
            fs::write(&path, kept).unwrap();
            set_mode(&path, 0o600);
        }
        let nowhere = bench
            .honest()
            .set("STRATA_TLS__MATERIAL", bench.path("nowhere"));
        bench.assert_refuses(nowhere, &["nowhere"]).await;
    }
}

#[tokio::test]
async fn a_key_that_others_can_read_is_refused() {
    for service in SERVICES {
        let bench = bench(service).await;
        let key = bench.material.join("svid.key");
        for mode in [0o644, 0o604, 0o660, 0o666] {
            set_mode(&key, mode);
            let said = format!("{mode:04o}");
            bench
                .assert_refuses(bench.honest(), &["svid.key", &said, "0600"])
                .await;
        }
        set_mode(&key, 0o600);
    }
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused() {
    for service in SERVICES {
        let bench = bench(service).await;
        let other = Pki::init(&bench.path("other"), Environment::Dev).unwrap();
        let other = other
            .issue(&bench.service.manifest, &bench.service.exempted().unwrap())
            .unwrap();
        fs::copy(other.join("svid.key"), bench.material.join("svid.key")).unwrap();
        bench.assert_refuses(bench.honest(), &["svid.key"]).await;
    }
}

#[tokio::test]
async fn a_bundle_of_a_layer_that_is_no_neighbour_is_refused() {
    for (service, stranger) in [
        ("system-customers", Layer::Experience),
        ("system-customers", Layer::System),
        ("process-customer-overview", Layer::Process),
        ("experience-storefront", Layer::System),
        ("experience-storefront", Layer::Experience),
    ] {
        let bench = bench(service).await;
        let pki = Pki::open(&bench.path("pki"), Environment::Dev).unwrap();
        let file = format!("{stranger}.pem");
        let bundle = bench.material.join("bundles").join(&file);
        let authority = pki.authority(stranger).unwrap();
        fs::write(bundle, authority.certificate_pem()).unwrap();
        bench
            .assert_refuses(bench.honest(), &[&file, "remove it"])
            .await;
    }
}

#[tokio::test]
async fn a_missing_bundle_is_named() {
    for (service, neighbour) in [
        ("system-customers", "process"),
        ("system-customers", "tokens"),
        ("process-customer-overview", "system"),
        ("process-customer-overview", "experience"),
        ("process-customer-overview", "tokens"),
        ("experience-storefront", "process"),
    ] {
        let bench = bench(service).await;
        let file = format!("{neighbour}.pem");
        fs::remove_file(bench.material.join("bundles").join(&file)).unwrap();
        bench.assert_refuses(bench.honest(), &[&file]).await;
    }
}

#[tokio::test]
async fn a_certificate_of_another_environment_is_refused() {
    for service in SERVICES {
        let bench = bench(service).await;
        for environment in [Environment::Test, Environment::Prod] {
            let folder = bench.path(environment.as_str());
            let pki = Pki::init(&folder, environment).unwrap();
            let material = pki
                .issue(&bench.service.manifest, &bench.service.exempted().unwrap())
                .unwrap();
            let launch = bench.honest().set("STRATA_TLS__MATERIAL", material);
            bench.assert_refuses(launch, &["svid.pem"]).await;
        }
    }
}

#[tokio::test]
async fn a_certificate_of_another_service_or_time_is_refused() {
    for service in SERVICES {
        let bench = bench(service).await;
        let layer = bench.service.manifest.layer;
        let pki = Pki::open(&bench.path("pki"), Environment::Dev).unwrap();
        let domain = trust_domain(layer, Environment::Dev).unwrap();
        let spec = |name| LeafSpec::svid(&domain.workload(name).unwrap(), Environment::Dev);
        let own = spec(&bench.service.manifest.name);
        let mut past = own.clone();
        past.validity.not_before -= time::Duration::days(2);
        past.validity.not_after -= time::Duration::days(2);
        let mut future = own.clone();
        future.validity.not_before += time::Duration::days(2);
        future.validity.not_after += time::Duration::days(2);
        for (spec, part) in [
            (spec("another"), "not the certificate of"),
            (past, "expired"),
            (future, "not valid yet"),
        ] {
            let leaf = pki.authority(layer).unwrap().issue(&spec).unwrap();
            fs::write(bench.material.join("svid.pem"), leaf.certificate_pem()).unwrap();
            fs::write(bench.material.join("svid.key"), leaf.key_pem()).unwrap();
            bench
                .assert_refuses(bench.honest(), &["svid.pem", part])
                .await;
        }
    }
}

#[tokio::test]
async fn half_a_chain_is_refused() {
    for service in SERVICES {
        let bench = bench(service).await;
        let mut files = vec!["svid.pem"];
        if bench.service.manifest.layer == Layer::Experience {
            files.push("edge.pem");
        }
        for file in files {
            let path = bench.material.join(file);
            let whole = fs::read_to_string(&path).unwrap();
            fs::write(&path, &whole[..whole.len() / 2]).unwrap();
            bench.assert_refuses(bench.honest(), &[file]).await;
            fs::write(&path, whole).unwrap();
        }
    }
}

/// Only dev goes on with a list that is out of date.
#[tokio::test]
async fn a_crl_past_its_date_is_refused_where_it_is_not_put_up_with() {
    let bench = bench("system-customers").await;
    for environment in Environment::ALL {
        let pki = Pki::init(&bench.path(environment.as_str()), environment).unwrap();
        let material = pki
            .issue(&bench.service.manifest, &bench.service.exempted().unwrap())
            .unwrap();
        let authority = pki.authority(Layer::Process).unwrap();
        fs::create_dir(material.join("crls")).unwrap();
        let launch = |days| {
            let next = time::OffsetDateTime::now_utc() + time::Duration::days(days);
            let file = material.join("crls/process.pem");
            fs::write(file, crl(&authority, next).unwrap()).unwrap();
            bench
                .honest()
                .set("STRATA_ENV", environment.as_str())
                .set("STRATA_TLS__MATERIAL", &material)
        };
        bench.assert_starts(launch(1)).await;
        if environment == Environment::Dev {
            bench.assert_starts(launch(-1)).await;
        } else {
            bench.assert_refuses(launch(-1), &["process.pem"]).await;
        }
    }
}
