//! Material that changes under a running service.

use std::{fs, os::unix::fs::symlink, time::Duration as Wait};

use time::Duration;
use tokio::{sync::mpsc, time::timeout};

use super::{testing::Folder, *};
use crate::{
    error::MaterialError,
    fixture::{Ca, Identity, Leaf, domain},
    refusal::Refusal,
};

/// A Process API with one System API beside it, whose CA and leaf are at hand.
struct World {
    folder: Folder,
    system: Ca,
    customers: Identity,
    material: Arc<Material>,
}

impl World {
    fn new() -> Self {
        Self::with(|trust| trust)
    }

    fn with(change: impl FnOnce(Trust) -> Trust) -> Self {
        let folder = Folder::new();
        let system = Ca::new(&domain(Layer::System, "dev"));
        folder.bundle(Layer::System, &system.pem());
        let material = Material::load(folder.dir.path(), change(folder.trust())).unwrap();
        Self {
            folder,
            customers: system.issue(&customers()),
            system,
            material: Arc::new(material),
        }
    }

    fn crl(&self, pem: &str) {
        fs::create_dir_all(self.folder.file("crls")).unwrap();
        fs::write(self.folder.file("crls/system.pem"), pem).unwrap();
    }

    fn verdict(&self) -> Result<(), Refusal> {
        let peers = self.material.callees();
        peers.identify(&[self.customers.der()]).map(|_| ())
    }

    /// The reason why a connection to the System API ends, which a test waits for.
    fn ended(&self) -> tokio::task::JoinHandle<Refusal> {
        let (peers, leaf) = (self.material.callees(), self.customers.der());
        tokio::spawn(async move { peers.ended(None, Some(&leaf)).await })
    }
}

fn customers() -> Leaf {
    Leaf::of(&domain(Layer::System, "dev"), "customers")
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Wait::from_secs(30), what).await.expect("too late")
}

#[tokio::test]
async fn a_ca_that_is_removed_is_not_trusted_any_more() {
    let world = World::new();
    assert_eq!(world.verdict(), Ok(()));
    let ended = world.ended();

    // Both, while one takes over from the other.
    let next = Ca::new(&domain(Layer::System, "dev"));
    world
        .folder
        .bundle(Layer::System, &(world.system.pem() + &next.pem()));
    assert_eq!(world.material.reload().unwrap(), Reload::Replaced);
    assert_eq!(world.material.reload().unwrap(), Reload::Unchanged);
    assert_eq!(world.verdict(), Ok(()));
    assert!(!ended.is_finished());

    world.folder.bundle(Layer::System, &next.pem());
    assert_eq!(world.material.reload().unwrap(), Reload::Replaced);
    assert_eq!(world.verdict(), Err(Refusal::UnknownIssuer));
    assert_eq!(soon(ended).await.unwrap(), Refusal::UnknownIssuer);
}

#[test]
fn a_new_svid_is_presented_at_the_next_handshake() {
    let world = World::new();
    let presented = || world.material.live.get().svid.cert.clone();
    let before = presented();
    let mut leaf = world.folder.leaf();
    leaf.until = Duration::hours(12);
    let expiry = world.material.expires();
    world.folder.write("svid", &world.folder.ca.issue(&leaf));
    assert_eq!(world.material.reload().unwrap(), Reload::Replaced);
    assert_ne!(presented(), before);
    assert!(world.material.expires() < expiry);
}

#[test]
fn what_is_replaced_has_another_digest_and_nothing_else_has() {
    let world = World::new();
    let names = |parts: Vec<MaterialPart>| parts.into_iter().map(|part| part.name).collect();
    let before = world.material.parts();
    let all: Vec<_> = names(before.clone());
    assert_eq!(all, ["svid", "audit_key", "bundles"]);
    let changed = |before: &[MaterialPart]| -> Vec<&'static str> {
        let mut parts = world.material.parts();
        parts.retain(|part| !before.contains(part));
        names(parts)
    };
    world.crl(&world.system.revoke(&[], Duration::hours(4)));
    assert_eq!(world.material.reload().unwrap(), Reload::Replaced);
    assert_eq!(changed(&before), ["crls"]);

    let before = world.material.parts();
    let mut leaf = world.folder.leaf();
    leaf.until = Duration::hours(12);
    world.folder.write("svid", &world.folder.ca.issue(&leaf));
    assert_eq!(world.material.reload().unwrap(), Reload::Replaced);
    assert_eq!(changed(&before), ["svid"]);
}

#[test]
fn a_part_is_due_when_a_quarter_of_its_time_is_left() {
    let world = World::new();
    let part = |name| {
        let parts = world.material.parts();
        parts.into_iter().find(|part| part.name == name).unwrap()
    };
    assert_eq!(part("svid").expires, world.material.expires());
    for part in world.material.parts() {
        assert!(part.due < part.expires, "{part:?}");
    }
    // A CA that ends is no matter while another of its name does not.
    let (due, next) = (part("bundles"), Ca::new(&domain(Layer::System, "dev")));
    let both = world.system.pem() + &next.pem();
    world.folder.bundle(Layer::System, &both);
    world.material.reload().unwrap();
    assert!(part("bundles").due >= due.due);
    assert_ne!(part("bundles").digest, due.digest);
}

#[test]
fn broken_material_changes_nothing() {
    let world = World::new();
    let presented = || world.material.live.get().svid.cert.clone();
    let before = presented();
    let pem = fs::read_to_string(world.folder.file("svid.pem")).unwrap();
    let half = &pem[..pem.len() / 2];
    let other = world.folder.ca.issue(&world.folder.leaf());
    for broken in ["", half, other.pem()] {
        fs::write(world.folder.file("svid.pem"), broken).unwrap();
        assert!(world.material.reload().is_err(), "{broken}");
        assert_eq!(presented(), before);
        assert_eq!(world.verdict(), Ok(()));
    }
    fs::write(world.folder.file("svid.pem"), pem).unwrap();
    assert_eq!(world.material.reload().unwrap(), Reload::Unchanged);
}

#[tokio::test]
async fn a_leaf_that_was_taken_back_is_refused_and_others_are_not() {
    let world = World::new();
    let ended = world.ended();
    let other = world.system.issue(&customers());
    world.crl(&world.system.revoke(&[&other], Duration::hours(1)));
    assert_eq!(world.material.reload().unwrap(), Reload::Replaced);
    assert_eq!(world.verdict(), Ok(()));

    world.crl(&world.system.revoke(&[&world.customers], Duration::hours(1)));
    assert_eq!(world.material.reload().unwrap(), Reload::Replaced);
    assert_eq!(world.verdict(), Err(Refusal::Revoked));
    assert_eq!(soon(ended).await.unwrap(), Refusal::Revoked);
    let honest = world.material.callees().identify(&[other.der()]);
    assert_eq!(honest.unwrap().service(), "customers");
}

#[test]
fn a_list_that_is_gone_takes_nothing_back_from_what_is_in_force() {
    let world = World::new();
    world.crl(&world.system.revoke(&[&world.customers], Duration::hours(1)));
    assert_eq!(world.material.reload().unwrap(), Reload::Replaced);
    fs::remove_file(world.folder.file("crls/system.pem")).unwrap();
    let refused = world.material.reload().unwrap_err();
    assert!(matches!(refused, MaterialError::MissingList { .. }));
    assert!(refused.to_string().contains("crls/system.pem"), "{refused}");
    assert_eq!(world.verdict(), Err(Refusal::Revoked));
    // Not even along with another change, and one that takes nothing back is in order.
    let next = world.folder.ca.issue(&world.folder.leaf());
    world.folder.write("svid", &next);
    assert!(world.material.reload().is_err());
    world.crl(&world.system.revoke(&[], Duration::hours(1)));
    assert_eq!(world.material.reload().unwrap(), Reload::Replaced);
    assert_eq!(world.verdict(), Ok(()));
}

#[test]
fn each_ca_of_a_layer_has_its_own_list() {
    let world = World::new();
    let next = Ca::new(&domain(Layer::System, "dev"));
    let bundle = next.pem() + &world.system.pem();
    world.folder.bundle(Layer::System, &bundle);
    let revoked = world.system.revoke(&[&world.customers], Duration::hours(1));
    world.crl(&revoked);
    let refused = world.material.reload().unwrap_err().to_string();
    assert!(
        refused.contains("no list of one of the layer's CAs"),
        "{refused}"
    );

    world.crl(&(next.revoke(&[], Duration::hours(1)) + &revoked));
    assert_eq!(world.material.reload().unwrap(), Reload::Replaced);
    assert_eq!(world.verdict(), Err(Refusal::Revoked));
    let honest = next.issue(&customers());
    assert!(world.material.callees().identify(&[honest.der()]).is_ok());
}

#[tokio::test]
async fn a_list_past_its_date_counts_only_where_that_is_put_up_with() {
    let strict = World::new();
    strict.crl(&strict.system.revoke(&[], -Duration::minutes(1)));
    let refused = strict.material.reload().unwrap_err().to_string();
    assert!(
        refused.contains("crls/system.pem") && refused.contains("out of date"),
        "{refused}"
    );

    // One that ends while it is in force.
    strict.crl(&strict.system.revoke(&[], Duration::seconds(3)));
    assert_eq!(strict.material.reload().unwrap(), Reload::Replaced);
    assert_eq!(strict.verdict(), Ok(()));
    assert_eq!(
        soon(strict.ended()).await.unwrap(),
        Refusal::StaleRevocations
    );

    let lax = World::with(|trust| Trust {
        accept_stale_crls: true,
        ..trust
    });
    lax.crl(&lax.system.revoke(&[&lax.customers], -Duration::minutes(1)));
    assert_eq!(lax.material.reload().unwrap(), Reload::Replaced);
    assert_eq!(lax.verdict(), Err(Refusal::Revoked));
}

#[test]
fn what_is_no_list_of_the_layer_is_refused() {
    let world = World::new();
    let stranger = Ca::new(&domain(Layer::System, "dev"));
    for pem in [
        String::new(),
        world.system.pem(),
        stranger.revoke(&[], Duration::hours(1)),
    ] {
        world.crl(&pem);
        assert!(matches!(
            world.material.reload(),
            Err(MaterialError::Invalid { .. })
        ));
    }
    world.crl(&world.system.revoke(&[], Duration::hours(1)));
    world.material.reload().unwrap();
    fs::write(world.folder.file("crls/process.pem"), "").unwrap();
    assert!(matches!(
        world.material.reload(),
        Err(MaterialError::ExtraBundle { .. })
    ));
}

#[tokio::test]
async fn a_connection_ends_with_a_certificate_of_either_side() {
    let world = World::new();
    let short = world.system.issue(&Leaf {
        until: Duration::seconds(2),
        ..customers()
    });
    let callees = world.material.callees();
    assert!(callees.identify(&[short.der()]).is_ok());
    let (short, long) = (short.der(), world.customers.der());
    assert_eq!(
        soon(callees.ended(None, Some(&short))).await,
        Refusal::Expired
    );
    assert_eq!(
        soon(callees.ended(Some(&short), Some(&long))).await,
        Refusal::Expired
    );
    let strangers = Peers::strangers();
    assert_eq!(
        soon(strangers.ended(Some(&short), None)).await,
        Refusal::Expired
    );
}

/// What the watch tells of, while a test changes the folder.
fn watched(material: &Arc<Material>) -> mpsc::UnboundedReceiver<bool> {
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(material.clone().watch(move |outcome| match outcome {
        Ok(Reload::Unchanged) => {}
        Ok(Reload::Replaced) => tell.send(true).unwrap(),
        Err(_) => tell.send(false).unwrap(),
    }));
    told
}

#[tokio::test]
async fn a_change_of_the_folder_is_noticed() {
    let world = World::new();
    let mut told = watched(&world.material);
    let next = world.folder.ca.issue(&world.folder.leaf());
    world.folder.write("svid", &next);
    // Certificate and key are two files: between them the material may be seen broken.
    while !soon(told.recv()).await.unwrap() {}
    assert_eq!(world.material.live.get().svid.cert, [next.der()]);

    fs::write(world.folder.file("svid.pem"), "").unwrap();
    assert!(!soon(told.recv()).await.unwrap());
    assert_eq!(world.material.live.get().svid.cert, [next.der()]);
}

#[tokio::test]
async fn a_kubernetes_volume_is_swapped_as_a_whole() {
    let (old, new) = (Folder::new(), Folder::new());
    let new_leaf = new.ca.issue(&new.leaf());
    new.write("svid", &new_leaf);
    let volume = tempfile::TempDir::new().unwrap();
    let at = |name: &str| volume.path().join(name);
    symlink(old.dir.path(), at("..data")).unwrap();
    for name in ["svid.pem", "svid.key", "audit.pem", "audit.key", "bundles"] {
        symlink(format!("..data/{name}"), at(name)).unwrap();
    }
    let material = Arc::new(Material::load(volume.path(), old.trust()).unwrap());
    let mut told = watched(&material);

    symlink(new.dir.path(), at("..data_tmp")).unwrap();
    fs::rename(at("..data_tmp"), at("..data")).unwrap();
    while !soon(told.recv()).await.unwrap() {}
    assert_eq!(material.live.get().svid.cert, [new_leaf.der()]);
}
