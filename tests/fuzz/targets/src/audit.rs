//! The verification of audit trails: of one that was bent, it says so.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use arbitrary::{Arbitrary, Unstructured};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use strata_audit::{Decision, Report, ResourceKey, Trail, Verdict as Outcome, Via, verify};
use strata_core::{Label, Layer};
use tempfile::TempDir;
use tokio::runtime;

use crate::{
    Target, Verdict,
    material::{Authorities, Loaded, domain},
};

/// An input is a row of edits to a trail that was honest.
pub struct Audit {
    service: Loaded,
    honest: Files,
    bent: TempDir,
}

/// The files of a trail and of its checkpoints, by their names.
#[derive(Clone, Default, PartialEq)]
struct Files {
    trail: BTreeMap<String, Vec<u8>>,
    checkpoints: BTreeMap<String, Vec<u8>>,
}

/// Something done to a file. Files and places in them are counted round.
#[derive(Arbitrary, Debug)]
enum Edit {
    Flip {
        at: File,
        byte: u16,
        bit: u8,
    },
    Delete {
        at: File,
        from: u16,
        bytes: u8,
    },
    Insert {
        at: File,
        from: u16,
        bytes: Vec<u8>,
    },
    Repeat {
        at: File,
        from: u16,
        bytes: u8,
    },
    Truncate {
        at: File,
        to: u16,
    },
    Replace {
        at: File,
        bytes: Vec<u8>,
    },
    Remove {
        at: File,
    },
    Swap {
        one: File,
        other: File,
    },
    Copy {
        at: File,
        name: u8,
    },
    /// Changes an entry of the last file, and makes all hashes after it anew, as anybody can.
    Rechain {
        entry: u8,
        byte: u16,
        bit: u8,
    },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct File {
    checkpoint: bool,
    number: u8,
}

/// More than these are no other cases.
const MOST: usize = 8;

/// An entry of a trail, as its format says and without the code that verifies it.
#[derive(Clone, PartialEq, prost::Message)]
struct Entry {
    #[prost(bytes = "vec", tag = "1")]
    item: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    hash: Vec<u8>,
}

impl Target for Audit {
    const NAME: &'static str = "audit";

    fn new() -> Result<Self> {
        let service = Authorities::new()?.service(Layer::System, "orders")?;
        let written = TempDir::new()?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // The second start goes on with the trail of the first.
        for start in 0..STARTS {
            runtime.block_on(write(&service, written.path(), start))?;
        }
        Ok(Self {
            honest: Files::read(written.path())?,
            service,
            bent: TempDir::new()?,
        })
    }

    fn honest(&self) -> Result<Vec<Vec<u8>>> {
        Ok(vec![Vec::new()])
    }

    fn check(&self, input: &[u8]) -> Result<Verdict> {
        let mut files = self.honest.clone();
        let mut input = Unstructured::new(input);
        for _ in 0..MOST {
            if input.is_empty() {
                break;
            }
            let Ok(edit) = Edit::arbitrary(&mut input) else {
                break;
            };
            files.edit(&edit);
        }
        files.write(self.bent.path())?;
        let report = self.verified()?;
        for finding in &report.findings {
            let file = Path::new(&finding.file);
            let length = fs::metadata(file).map_or(0, |it| it.len());
            ensure!(
                finding.offset.is_none_or(|offset| offset <= length),
                "it is found where nothing is: {finding:?}"
            );
        }
        let same_trail = files.trail == self.honest.trail;
        let same_checkpoints = files.checkpoints == self.honest.checkpoints;
        if !report.is_sound() {
            ensure!(
                !same_trail || !same_checkpoints,
                "an honest trail is not believed: {:?}",
                report.findings
            );
            return Ok(Verdict::Refused);
        }
        if same_checkpoints {
            self.holds_all(&files)?;
        }
        if same_trail {
            let whole = STARTS * DECISIONS;
            ensure!(
                report.records == whole,
                "{} of {whole} records",
                report.records
            );
        }
        Ok(Verdict::Accepted)
    }
}

impl Audit {
    fn verified(&self) -> Result<Report> {
        let folder = self.bent.path();
        let (trail, checkpoints) = (folder.join("audit"), folder.join("checkpoints"));
        let auditors = self.service.material.auditors();
        let domain = domain(Layer::System)?;
        Ok(verify(&trail, &checkpoints, &auditors, &domain, None)?)
    }

    /// A trail that is believed by all its checkpoints holds every byte that was written, in its place.
    /// What is not vouched for yet may come after it.
    fn holds_all(&self, files: &Files) -> Result<()> {
        let last = self.honest.trail.keys().next_back();
        for (name, written) in &self.honest.trail {
            let found = files.trail.get(name).map(Vec::as_slice).unwrap_or_default();
            let same = found == written || (Some(name) == last && found.starts_with(written));
            ensure!(same, "{name} was bent, and is believed");
        }
        Ok(())
    }
}

/// How often the trail was begun or gone on with.
const STARTS: u64 = 2;
/// Decisions of each start.
const DECISIONS: u64 = 3;

async fn write(service: &Loaded, folder: &Path, start: u64) -> Result<()> {
    let material = &service.material;
    let settings = strata_config::Audit {
        folder: folder.join("audit"),
        checkpoints: folder.join("checkpoints"),
        file_bytes: 1 << 20,
        file_age: std::time::Duration::from_secs(3600),
        retention: std::time::Duration::from_secs(7200),
        queue: 16,
    };
    let key = ResourceKey::derived(b"the key of this environment");
    let (signer, auditors) = (material.audit_signer(), material.auditors());
    let (trail, keeper) = Trail::open(settings, material.id(), key, signer, &auditors)?;
    for number in 0..DECISIONS {
        let decision = Decision {
            trace: Some((start * DECISIONS + number).into()),
            user: None,
            via: Via::Edge,
            action: "/system.orders.v1.OrdersService/GetOrder".into(),
            resource: None,
            released: Label::default(),
            verdict: Outcome::Allowed,
            code: "OK",
            rule: "".into(),
        };
        let place = trail.reserve().context("there is no place")?;
        place.buffered(decision);
    }
    keeper.close().await;
    Ok(())
}

impl Files {
    fn read(folder: &Path) -> Result<Self> {
        let of = |name| {
            let mut files = BTreeMap::new();
            for entry in fs::read_dir(folder.join(name))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                // The lock beside the files is nothing of the trail.
                let path = Path::new(&name);
                if path
                    .extension()
                    .is_some_and(|it| it == "trail" || it == "checkpoints")
                {
                    files.insert(name, fs::read(entry.path())?);
                }
            }
            Ok::<_, anyhow::Error>(files)
        };
        Ok(Self {
            trail: of("audit")?,
            checkpoints: of("checkpoints")?,
        })
    }

    fn write(&self, folder: &Path) -> Result<()> {
        for (name, files) in [("audit", &self.trail), ("checkpoints", &self.checkpoints)] {
            let folder = folder.join(name);
            if folder.exists() {
                fs::remove_dir_all(&folder)?;
            }
            fs::create_dir(&folder)?;
            for (name, bytes) in files {
                fs::write(folder.join(name), bytes)?;
            }
        }
        Ok(())
    }

    fn of(&mut self, checkpoint: bool) -> &mut BTreeMap<String, Vec<u8>> {
        if checkpoint {
            &mut self.checkpoints
        } else {
            &mut self.trail
        }
    }

    fn name(&mut self, at: File) -> Option<String> {
        let files = self.of(at.checkpoint);
        let number = usize::from(at.number).checked_rem(files.len())?;
        files.keys().nth(number).cloned()
    }

    fn file(&mut self, at: File) -> Option<&mut Vec<u8>> {
        let name = self.name(at)?;
        self.of(at.checkpoint).get_mut(&name)
    }

    /// Where nothing is there is nothing to edit.
    fn edit(&mut self, edit: &Edit) -> Option<()> {
        match edit {
            Edit::Flip { at, byte, bit } => flip(self.file(*at)?, *byte, *bit)?,
            Edit::Delete { at, from, bytes } => {
                let file = self.file(*at)?;
                drop(file.drain(range(file, *from, *bytes)));
            }
            Edit::Insert { at, from, bytes } => {
                let file = self.file(*at)?;
                let from = usize::from(*from) % (file.len() + 1);
                drop(file.splice(from..from, bytes.iter().copied()));
            }
            Edit::Repeat { at, from, bytes } => {
                let file = self.file(*at)?;
                let again = file.get(range(file, *from, *bytes))?.to_owned();
                file.extend(again);
            }
            Edit::Truncate { at, to } => {
                let file = self.file(*at)?;
                file.truncate(usize::from(*to) % (file.len() + 1));
            }
            Edit::Replace { at, bytes } => self.file(*at)?.clone_from(bytes),
            Edit::Remove { at } => {
                let name = self.name(*at)?;
                self.of(at.checkpoint).remove(&name);
            }
            Edit::Swap { one, other } => {
                let first = self.file(*one)?.clone();
                let second = std::mem::replace(self.file(*other)?, first);
                *self.file(*one)? = second;
            }
            Edit::Copy { at, name } => {
                let bytes = self.file(*at)?.clone();
                let kind = if at.checkpoint {
                    "checkpoints"
                } else {
                    "trail"
                };
                // Numbers that are read as one of those there, and others.
                let name = match name % 4 {
                    0 => format!("+{}.{kind}", name / 4),
                    1 => format!("{}.{kind}", name / 4),
                    _ => format!("{:020}.{kind}", name / 4),
                };
                self.of(at.checkpoint).insert(name, bytes);
            }
            Edit::Rechain { entry, byte, bit } => {
                let last = self.trail.values_mut().next_back()?;
                *last = rechained(last, *entry, *byte, *bit)?;
            }
        }
        Some(())
    }
}

fn flip(bytes: &mut [u8], byte: u16, bit: u8) -> Option<()> {
    let at = usize::from(byte).checked_rem(bytes.len())?;
    *bytes.get_mut(at)? ^= 1 << (bit % 8);
    Some(())
}

fn range(file: &[u8], from: u16, bytes: u8) -> std::ops::Range<usize> {
    let from = usize::from(from) % (file.len() + 1);
    from..(from + usize::from(bytes)).min(file.len())
}

/// The file with one bit of an entry's content changed, and hashes that fit.
fn rechained(file: &[u8], entry: u8, byte: u16, bit: u8) -> Option<Vec<u8>> {
    let mut rest = file;
    let mut entries = Vec::new();
    while !rest.is_empty() {
        entries.push(Entry::decode_length_delimited(&mut rest).ok()?);
    }
    // The first entry says what it is over, and what that is nobody can change.
    let changed = 1 + usize::from(entry).checked_rem(entries.len().checked_sub(1)?)?;
    flip(&mut entries.get_mut(changed)?.item, byte, bit)?;
    let mut hash = entries.get(changed - 1)?.hash.clone();
    let mut bytes = Vec::new();
    for (number, mut entry) in entries.into_iter().enumerate() {
        if number >= changed {
            let mut sum = Sha256::new_with_prefix(&hash);
            sum.update(&entry.item);
            entry.hash = sum.finalize().to_vec();
            hash.clone_from(&entry.hash);
        }
        entry.encode_length_delimited(&mut bytes).ok()?;
    }
    Some(bytes)
}
