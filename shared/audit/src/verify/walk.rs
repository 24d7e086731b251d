//! From the first entry of a trail to its last.

use std::{
    fs, io,
    iter::Peekable,
    path::{Path, PathBuf},
    vec,
};

use strata_core::{Layer, SpiffeId, TrustDomain};

use super::{
    checkpoints::Claims,
    report::{Finding, Problem, Report},
};
use crate::{
    chain::{Hash, Link},
    folder::{self, Numbered, TRAIL},
    format::{Content, Header, Item, Seal},
    read::{Flaw, Reader, header},
};

/// What a process that ended without notice can leave unvouched for, in nanoseconds: a checkpoint is due
/// each second, and a disk may be slow.
const UNVOUCHED: u64 = 10_000_000_000;

/// A clock that is further back, in nanoseconds, has stepped: what several threads record at once may be in
/// another order than their looks at it.
const STEP: u64 = 1_000_000_000;

/// A trail that is being verified.
pub(super) struct Walk<'a> {
    folder: PathBuf,
    domain: &'a TrustDomain,
    expected: Option<&'a SpiffeId>,
    files: Peekable<vec::IntoIter<Numbered>>,
    /// The end of what was found sound.
    link: Link,
    /// The first entry there is.
    first: u64,
    /// The entry after the last that a checkpoint vouches for: its number, file and offset.
    unvouched: Option<(u64, String, u64)>,
    /// How long ago that was, in nanoseconds: the clock's steps back left out.
    unvouched_for: u64,
    time: u64,
    steps_back: u64,
    /// The file that a `Removed` says is the first.
    removed: Option<String>,
    first_file: String,
}

impl<'a> Walk<'a> {
    pub(super) fn begin(
        folder: &Path,
        domain: &'a TrustDomain,
        expected: Option<&'a SpiffeId>,
    ) -> io::Result<Self> {
        let files = match folder::files(folder, TRAIL) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            files => files?,
        };
        Ok(Self {
            folder: folder.to_owned(),
            domain,
            expected,
            files: files.into_iter().peekable(),
            link: Link::START,
            first: 0,
            unvouched: None,
            unvouched_for: 0,
            time: 0,
            steps_back: 0,
            removed: None,
            first_file: String::new(),
        })
    }

    fn finding(&self, name: &str, sequence: u64, offset: usize, problem: Problem) -> Finding {
        Finding {
            file: self.folder.join(name).display().to_string(),
            sequence: Some(sequence),
            offset: Some(offset as u64),
            problem,
        }
    }

    /// Whose trail it is, by its first file; none where there is no file, or it is nobody's here, which is
    /// a finding.
    pub(super) fn service(&mut self, report: &mut Report) -> io::Result<Option<SpiffeId>> {
        let Some(file) = self.files.peek().cloned() else {
            return Ok(None);
        };
        let bytes = fs::read(self.folder.join(&file.name))?;
        let Some((header, _)) = header(&bytes) else {
            let changed = self.finding(&file.name, file.first, 0, Problem::Changed);
            report.find(changed);
            return Ok(self.expected.cloned());
        };
        let domains = Layer::ALL.map(|layer| self.domain.beside(layer));
        let service = SpiffeId::parse(&header.service, &domains).ok();
        let service = service.filter(|it| self.expected.is_none_or(|expected| expected == it));
        let of = format!("{} in {}", header.service, header.environment);
        if service.is_none() || header.environment != self.domain.environment() {
            report.find(self.finding(&file.name, file.first, 0, Problem::Foreign { of }));
            return Ok(None);
        }
        report.service = header.service;
        Ok(service)
    }

    /// Follows the trail to its end or its first flaw.
    pub(super) fn follow(&mut self, claims: &Claims, report: &mut Report) -> io::Result<()> {
        if !report.is_sound() && report.service.is_empty() {
            return Ok(());
        }
        let mut last = (String::new(), 0);
        while let Some(file) = self.files.next() {
            let bytes = fs::read(self.folder.join(&file.name))?;
            report.files += 1;
            match self.file(&file, &bytes, claims, report) {
                Ok(offset) => last = (file.name, offset),
                Err(finding) => {
                    report.find(*finding);
                    return Ok(());
                }
            }
        }
        self.end(&last.0, last.1, claims, report);
        Ok(())
    }

    /// Gives where the file's sound entries end.
    fn file(
        &mut self,
        file: &Numbered,
        bytes: &[u8],
        claims: &Claims,
        report: &mut Report,
    ) -> Result<usize, Box<Finding>> {
        let name = file.name.as_str();
        let is_last = self.files.peek().is_none();
        let Some((head, sequence)) = header(bytes) else {
            if is_last && self.link != Link::START && is_cut_short(bytes) {
                report.remark(format!("{name} was begun and holds nothing yet"));
                return Ok(0);
            }
            let expected = self.link.sequence + 1;
            return Err(self.finding(name, expected, 0, Problem::Changed).into());
        };
        self.check_header(file, &head, sequence)?;
        let mut reader = Reader::new(bytes, self.link);
        loop {
            let offset = reader.offset();
            let expected = self.link.sequence + 1;
            let problem = match reader.next() {
                None => return Ok(offset),
                Some(Ok(item)) => {
                    self.link = reader.link();
                    self.entry(name, offset, &item, claims, report)?;
                    continue;
                }
                Some(Err(Flaw::OutOfOrder(found))) => Problem::OutOfOrder { found },
                Some(Err(Flaw::Changed | Flaw::Unreadable)) => Problem::Changed,
                Some(Err(Flaw::Unfinished)) => Problem::CutShort,
            };
            let rest = reader.rest().len();
            if self.is_sealed(name, offset, rest) {
                let what = format!("{name}: {rest} bytes at its end were dropped at a start");
                report.remark(what);
                return Ok(offset);
            }
            if is_last && problem == Problem::CutShort {
                report.remark(format!("{name}: its last entry is not finished"));
                return Ok(offset);
            }
            return Err(self.finding(name, expected, offset, problem).into());
        }
    }

    fn check_header(
        &mut self,
        file: &Numbered,
        head: &Header,
        sequence: u64,
    ) -> Result<(), Box<Finding>> {
        let name = file.name.as_str();
        let hash = Hash::try_from(head.predecessor_hash.as_slice()).unwrap_or_default();
        let before = Link {
            sequence: sequence.saturating_sub(1),
            hash,
        };
        let is_first = self.first == 0;
        let begins_anew = sequence == 1 && before.hash != Link::START.hash;
        let misnamed = sequence == 0 || file.first != sequence;
        if misnamed || (is_first && begins_anew) {
            let wrong = self.finding(name, sequence, 0, Problem::WrongHeader);
            return Err(wrong.into());
        }
        if is_first {
            self.first = sequence;
            name.clone_into(&mut self.first_file);
            self.link = before;
            return Ok(());
        }
        if before.sequence > self.link.sequence {
            let missing = self.link.sequence + 1;
            return Err(self.finding(name, missing, 0, Problem::MissingFile).into());
        }
        if before != self.link {
            let wrong = self.finding(name, sequence, 0, Problem::WrongHeader);
            return Err(wrong.into());
        }
        Ok(())
    }

    /// Whether the next file begins with a seal that says how this one ends.
    fn is_sealed(&mut self, name: &str, end: usize, dropped: usize) -> bool {
        let Some(next) = self.files.peek() else {
            return false;
        };
        let bytes = fs::read(self.folder.join(&next.name)).unwrap_or_default();
        let mut reader = Reader::new(&bytes, self.link);
        let _header = reader.next();
        let sealed = reader.next().and_then(Result::ok).and_then(|it| it.content);
        let Some(Content::Seal(seal)) = sealed else {
            return false;
        };
        let found = Seal {
            file: name.to_owned(),
            end: end as u64,
            dropped: dropped as u64,
        };
        seal == found
    }

    fn entry(
        &mut self,
        name: &str,
        offset: usize,
        item: &Item,
        claims: &Claims,
        report: &mut Report,
    ) -> Result<(), Box<Finding>> {
        let sequence = item.sequence;
        report.entries = Some((self.first, sequence));
        match &item.content {
            Some(Content::Record(_)) => report.records += 1,
            Some(Content::Removed(removed)) => self.removed = Some(removed.first.clone()),
            Some(Content::Header(head)) if head.service != report.service => {
                let of = head.service.clone();
                let foreign = self.finding(name, sequence, offset, Problem::Foreign { of });
                return Err(foreign.into());
            }
            Some(Content::Header(_) | Content::Seal(_)) => {}
            None => {
                return Err(self
                    .finding(name, sequence, offset, Problem::Changed)
                    .into());
            }
        }
        match claims.of(sequence) {
            Some(hash) if *hash != self.link.hash => {
                return Err(self
                    .finding(name, sequence, offset, Problem::Rewritten)
                    .into());
            }
            Some(_) => self.unvouched = None,
            None if self.unvouched.is_none() => {
                self.unvouched = Some((sequence, name.to_owned(), offset as u64));
                self.unvouched_for = 0;
            }
            None => {
                let passed = item.time.saturating_sub(self.time);
                self.unvouched_for = self.unvouched_for.saturating_add(passed);
            }
        }
        if self.time.saturating_sub(item.time) > STEP {
            self.steps_back += 1;
        }
        self.time = item.time;
        Ok(())
    }

    /// What can only be said of the whole.
    fn end(&mut self, name: &str, offset: usize, claims: &Claims, report: &mut Report) {
        if self.steps_back > 0 {
            let times = self.steps_back;
            report.remark(format!(
                "the clock stepped back {times} times: the order is that of the numbers"
            ));
        }
        // The first file is the first of all, or the trail says which were removed.
        if self.first > 1 && self.removed.as_ref() < Some(&self.first_file) {
            let missing = self.first - 1;
            let first = self.first_file.clone();
            report.find(self.finding(&first, missing, 0, Problem::MissingFile));
        }
        let last = self.link.sequence;
        if let Some(vouched) = claims.last().filter(|vouched| *vouched > last) {
            let problem = Problem::Truncated { vouched };
            report.find(self.finding(name, last + 1, offset, problem));
            return;
        }
        if let Some((sequence, file, offset)) = self.unvouched.take() {
            if self.unvouched_for > UNVOUCHED || claims.last().is_none() {
                report.find(Finding {
                    file: self.folder.join(file).display().to_string(),
                    sequence: Some(sequence),
                    offset: Some(offset),
                    problem: Problem::Unvouched,
                });
            } else {
                report.remark(format!(
                    "entries from {sequence} on are not vouched for yet"
                ));
            }
        }
    }
}

fn is_cut_short(bytes: &[u8]) -> bool {
    let begun = Reader::new(bytes, Link::START).next();
    matches!(begun, None | Some(Err(Flaw::Unfinished)))
}
