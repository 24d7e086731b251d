//! Where authorities and material lie on disk, and how they get there: whole or not at all.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use strata_core::Layer;
use strata_tls::MASK_KEY;

use super::{authority::Authority, leaf::Leaf};

/// Certificates are for everyone to read.
const PUBLIC: u32 = 0o644;
/// Keys are for their owner alone.
const PRIVATE: u32 = 0o600;
/// File stem of the edge's authority, certificate and key.
pub(super) const EDGE: &str = "edge";
/// File stem of the authority and bundle of transaction tokens.
pub(super) const TOKENS: &str = "tokens";
/// File stem of the authority, bundle, certificate and key of audit trails.
pub(super) const AUDIT: &str = "audit";
/// File stem of what signs them.
const TOKEN: &str = "token";

/// The files below one PKI folder.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) folder: PathBuf,
}

impl Store {
    pub(super) fn authority_file(&self, stem: &str) -> PathBuf {
        self.folder.join("authorities").join(format!("{stem}.pem"))
    }

    pub(super) fn material(&self, layer: Layer, service: &str) -> PathBuf {
        self.folder
            .join("material")
            .join(format!("{layer}-{service}"))
    }

    fn mask_key_file(&self) -> PathBuf {
        self.folder.join(MASK_KEY)
    }

    /// Makes the key of the environment's tokens: 32 random bytes, the same for every service.
    pub(super) fn put_mask_key(&self) -> Result<()> {
        let key = STANDARD.encode(rand::random::<[u8; 32]>());
        write(&self.mask_key_file(), &key, PRIVATE)
    }

    /// That key. Authorities that are older than it have none yet.
    pub(super) fn mask_key(&self) -> Result<String> {
        if !self.mask_key_file().try_exists()? {
            self.put_mask_key()?;
        }
        read(&self.mask_key_file())
    }

    pub(super) fn authority(&self, stem: &str) -> Result<Authority> {
        let certificate = self.authority_file(stem);
        Authority::from_pem(
            &read(&certificate)?,
            &read(&certificate.with_extension("key"))?,
        )
        .with_context(|| format!("{} cannot be used", certificate.display()))
    }

    /// Makes `authority` the current one. The one before stays in the trust bundle, so that leaves
    /// it signed are accepted until they expire.
    pub(super) fn put_authority(&self, stem: &str, authority: &Authority) -> Result<()> {
        let current = self.authority_file(stem);
        if current.exists() {
            write(&self.previous_file(stem), &read(&current)?, PUBLIC)?;
        }
        write(
            &current.with_extension("key"),
            &authority.key_pem(),
            PRIVATE,
        )?;
        write(&current, authority.certificate_pem(), PUBLIC)
    }

    /// Every certificate that vouches for a layer or for tokens, current authority first.
    pub(super) fn bundle(&self, stem: &'static str) -> Result<(&'static str, String)> {
        let mut bundle = read(&self.authority_file(stem))?;
        let previous = self.previous_file(stem);
        if previous.exists() {
            bundle.push_str(&read(&previous)?);
        }
        Ok((stem, bundle))
    }

    fn previous_file(&self, stem: &str) -> PathBuf {
        self.authority_file(stem).with_extension("previous.pem")
    }
}

/// What one service holds.
pub(super) struct Contents {
    pub(super) svid: Leaf,
    pub(super) edge: Option<Leaf>,
    pub(super) token: Option<Leaf>,
    pub(super) audit: Leaf,
    pub(super) bundles: Vec<(&'static str, String)>,
    pub(super) mask_key: String,
}

impl Contents {
    /// Writes into `folder`, file by file, each replaced atomically: a key before its certificate,
    /// bundles before what they have to vouch for.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        self.write_bundles(folder)?;
        write(&folder.join(MASK_KEY), &self.mask_key, PRIVATE)?;
        self.write_leaves(folder)
    }

    /// Whom the service trusts, and nothing of its own. Whom it trusted before and does not any more, such
    /// as the layer of an exemption, goes.
    pub(super) fn write_bundles(&self, folder: &Path) -> Result<()> {
        let place = folder.join("bundles");
        let files = self.bundles.iter();
        let files = files.map(|(stem, bundle)| (place.join(format!("{stem}.pem")), bundle));
        let files: BTreeMap<_, _> = files.collect();
        for (file, bundle) in &files {
            write(file, bundle, PUBLIC)?;
        }
        let present = fs::read_dir(&place);
        for entry in present.with_context(|| format!("{} cannot be read", place.display()))? {
            let file = entry?.path();
            if !files.contains_key(&file) {
                fs::remove_file(&file)
                    .with_context(|| format!("{} cannot be removed", file.display()))?;
            }
        }
        Ok(())
    }

    fn write_leaves(&self, folder: &Path) -> Result<()> {
        let leaves = [
            ("svid", Some(&self.svid)),
            (EDGE, self.edge.as_ref()),
            (TOKEN, self.token.as_ref()),
            (AUDIT, Some(&self.audit)),
        ];
        for (stem, leaf) in leaves
            .into_iter()
            .filter_map(|(stem, leaf)| Some((stem, leaf?)))
        {
            write(
                &folder.join(format!("{stem}.key")),
                &leaf.key_pem(),
                PRIVATE,
            )?;
            write(
                &folder.join(format!("{stem}.pem")),
                &leaf.certificate_pem(),
                PUBLIC,
            )?;
        }
        Ok(())
    }
}

/// Fills a folder that does not exist yet: it appears complete, or not at all.
pub(super) fn create_folder(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    ensure!(
        !folder.exists(),
        "{} exists already and is not overwritten: remove it, or rotate what it holds",
        folder.display()
    );
    let parent = folder.parent().context("a folder needs a parent")?;
    fs::create_dir_all(parent)
        .with_context(|| format!("{} cannot be created", parent.display()))?;
    let draft = tempfile::Builder::new()
        .prefix(".draft-")
        .tempdir_in(parent)
        .with_context(|| format!("{} cannot be written to", parent.display()))?;
    fill(draft.path())?;
    fs::rename(draft.path(), folder)
        .with_context(|| format!("{} cannot be created", folder.display()))?;
    let _moved = draft.keep();
    Ok(())
}

pub(super) fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

fn write(file: &Path, text: &str, mode: u32) -> Result<()> {
    let attempt = || -> std::io::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut draft = tempfile::NamedTempFile::new_in(folder)?;
        draft.write_all(text.as_bytes())?;
        draft
            .as_file()
            .set_permissions(fs::Permissions::from_mode(mode))?;
        draft.persist(file)?;
        Ok(())
    };
    attempt().with_context(|| format!("{} cannot be written", file.display()))
}

#[cfg(test)]
mod tests {
    use strata_config::{Environment, Manifest};

    use super::*;
    use crate::Pki;

    #[test]
    fn a_bundle_that_an_exemption_adds_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::init(&folder.path().join("pki"), Environment::Dev).unwrap();
        let text = "name = 'sample'\nlayer = 'system'\nowner = 'team'\ndescription = 'A sample.'\n";
        let sample = Manifest::parse(text, Path::new("service.toml")).unwrap();
        let material = pki.issue(&sample, &[Layer::Experience]).unwrap();
        let (added, kept) = (
            material.join("bundles/experience.pem"),
            material.join("bundles/process.pem"),
        );
        assert!(added.exists() && kept.exists());
        pki.reissue(&sample, &[Layer::Experience]).unwrap();
        assert!(added.exists() && kept.exists());
        pki.publish(&sample, &[]).unwrap();
        assert!(!added.exists() && kept.exists());
    }
}
