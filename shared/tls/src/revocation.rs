//! Certificate revocation lists (RFC 5280, section 5): which leaves a layer's CA took back.

use std::{fs, io, path::Path};

use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime, pem::PemObject};
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_parser::{prelude::FromDer, revocation_list::CertificateRevocationList};

use crate::{
    certificate::{Certificate, Term, unix_time},
    error::MaterialError,
};

/// What one CA took back.
#[derive(Debug)]
pub(crate) struct Revocations {
    list: CertRevocationList<'static>,
    /// When the CA is due to publish the next list.
    pub(crate) next_update: UnixTime,
}

impl Revocations {
    pub(crate) const fn list(&self) -> &CertRevocationList<'static> {
        &self.list
    }
}

/// For how long a list (DER) is good; none when it does not say.
pub(crate) fn term(der: &[u8]) -> Option<Term> {
    let (_, list) = CertificateRevocationList::from_der(der).ok()?;
    Some(Term {
        from: unix_time(list.last_update()).as_secs(),
        until: unix_time(list.next_update()?).as_secs(),
    })
}

/// The lists of a file, each still without the CA that signed it.
pub(crate) struct Lists<'a> {
    file: &'a Path,
    ders: Vec<CertificateRevocationListDer<'static>>,
}

impl<'a> Lists<'a> {
    /// Reads the file; none when there is no such file, which means that the layer's CAs take
    /// nothing back.
    pub(crate) fn read(file: &'a Path) -> Result<Option<Self>, MaterialError> {
        let pem = match fs::read(file) {
            Ok(pem) => pem,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(MaterialError::Read {
                    file: file.to_owned(),
                    source,
                });
            }
        };
        let ders = CertificateRevocationListDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .unwrap_or_default();
        Ok(Some(Self { file, ders }))
    }

    pub(crate) fn der(&self) -> impl Iterator<Item = &[u8]> {
        self.ders.iter().map(AsRef::as_ref)
    }

    /// The list of `ca`. A CA without one would leave its leaves unchecked, so that is an error,
    /// and so is a list past its date unless that is put up with.
    pub(crate) fn of(
        &self,
        ca: &CertificateDer<'_>,
        accept_stale: bool,
    ) -> Result<Revocations, MaterialError> {
        let invalid = |problem| MaterialError::Invalid {
            file: self.file.to_owned(),
            problem,
        };
        let unreadable = || invalid("holds what is no revocation list: write it again");
        let ca = Certificate::parse(ca).map_err(|_| unreadable())?;
        for der in &self.ders {
            let (_, list) = CertificateRevocationList::from_der(der).map_err(|_| unreadable())?;
            if !ca.signed(&list) {
                continue;
            }
            let next_update = list.next_update().map(unix_time).ok_or_else(|| {
                invalid("holds a list that does not say when the next one is due")
            })?;
            if next_update < UnixTime::now() && !accept_stale {
                return Err(invalid(
                    "holds a list that is out of date: publish a new one",
                ));
            }
            let list = OwnedCertRevocationList::from_der(der).map_err(|_| unreadable())?;
            return Ok(Revocations {
                list: list.into(),
                next_update,
            });
        }
        Err(invalid(
            "holds no list of one of the layer's CAs: publish one for each CA in the bundle",
        ))
    }
}
