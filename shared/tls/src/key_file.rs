//! Reading a private key, and refusing one that others could read or replace.

use std::{fs::File, io::Read, os::unix::fs::MetadataExt, path::Path};

use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
use zeroize::Zeroizing;

use crate::error::MaterialError;

const GROUP_READ: u32 = 0o040;
const GROUP_CHANGE_AND_OTHERS: u32 = 0o037;
const ROOT: u32 = 0;

/// The file of a material folder with the key of the environment's tokens.
pub const MASK_KEY: &str = "mask.key";

/// Reads a file nobody else may read or replace. The bits are those of the opened file, so they
/// cannot change between the check and the read.
///
/// # Errors
/// [`MaterialError`] when it is missing, or open to others.
pub fn read_private(file: &Path) -> Result<Zeroizing<Vec<u8>>, MaterialError> {
    let failed = |source| MaterialError::Read {
        file: file.to_owned(),
        source,
    };
    let mut key = File::open(file).map_err(failed)?;
    let metadata = key.metadata().map_err(failed)?;
    let mode = metadata.mode() & 0o7777;
    if !is_private(mode, metadata.uid()) {
        return Err(MaterialError::KeyMode {
            file: file.to_owned(),
            mode,
        });
    }
    let mut content = Zeroizing::new(Vec::new());
    key.read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}

/// Reads a PKCS#8 key in PEM.
pub(crate) fn read(file: &Path) -> Result<PrivateKeyDer<'static>, MaterialError> {
    let pem = read_private(file)?;
    PrivatePkcs8KeyDer::from_pem_slice(&pem)
        .map(PrivateKeyDer::from)
        .map_err(|_| MaterialError::Invalid {
            file: file.to_owned(),
            problem: "holds no private key: write one PKCS#8 key in PEM",
        })
}

/// A group may read a key only when root owns it: that is how a Kubernetes secret volume with
/// `fsGroup` looks, and the group cannot widen it.
const fn is_private(mode: u32, owner: u32) -> bool {
    mode & GROUP_CHANGE_AND_OTHERS == 0 && (mode & GROUP_READ == 0 || owner == ROOT)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, chown},
    };

    use rcgen::KeyPair;
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_key_is_for_its_owner() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("svid.key");
        fs::write(&file, KeyPair::generate().unwrap().serialize_pem()).unwrap();
        let read_at = |mode| {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            read(&file)
        };
        for mode in [0o600, 0o400] {
            assert!(read_at(mode).is_ok(), "{mode:o}");
        }
        for mode in [0o644, 0o604, 0o620, 0o660, 0o602, 0o601, 0o610, 0o777] {
            let refused = read_at(mode);
            assert!(
                matches!(refused, Err(MaterialError::KeyMode { mode: said, .. }) if said == mode),
                "{mode:o}"
            );
        }
        // Who owns the file can be changed by root only, so the rule is tested apart from it.
        if chown(&file, Some(1000), Some(1000)).is_ok() {
            assert!(read_at(0o640).is_err());
        }
    }

    #[test]
    fn a_group_may_read_what_root_owns() {
        assert!(is_private(0o640, ROOT) && is_private(0o440, ROOT));
        assert!(!is_private(0o640, 1000) && !is_private(0o440, 1000));
        assert!(!is_private(0o644, ROOT) && !is_private(0o660, ROOT));
    }

    #[test]
    fn what_is_no_pkcs8_key_is_refused() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("svid.key");
        // Put together here, so that no search for keys stops at this file.
        let kind = "EC PRIVATE KEY";
        let pem = format!("-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n");
        fs::write(&file, pem).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(read(&file), Err(MaterialError::Invalid { .. })));
        assert!(matches!(
            read(&folder.path().join("none")),
            Err(MaterialError::Read { .. })
        ));
    }
}
