//! Old files go, from the oldest on and as a whole, and the trail says so before they do.

use std::{fs, io, path::Path, time::Duration};

use crate::{
    folder::{self, CHECKPOINTS, Numbered, TRAIL},
    read,
};

/// The files whose time is over at `now`, in nanoseconds since 1970, and the one that is the first without
/// them; none where all are to stay. The last file always stays.
pub(crate) fn over(
    folder: &Path,
    retention: Duration,
    now: u64,
) -> io::Result<Option<(Vec<Numbered>, Numbered)>> {
    let mut files = folder::files(folder, TRAIL)?.into_iter().peekable();
    let keep = u64::try_from(retention.as_nanos()).unwrap_or(u64::MAX);
    let limit = now.saturating_sub(keep);
    let mut over = Vec::new();
    while let Some(file) = files.next() {
        // A file ended when the next began.
        let ended = match files.peek() {
            Some(next) => begun(&folder.join(&next.name))?,
            None => None,
        };
        if ended.is_some_and(|ended| ended < limit) {
            over.push(file);
            continue;
        }
        return Ok((!over.is_empty()).then_some((over, file)));
    }
    Ok(None)
}

/// When a file was begun: the time of its header.
fn begun(path: &Path) -> io::Result<Option<u64>> {
    use std::io::Read as _;
    // A header is a few hundred bytes.
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(4096).read_to_end(&mut bytes)?;
    Ok(read::begun(&bytes))
}

/// Removes them, and the checkpoints that speak of nothing else.
pub(crate) fn remove(
    folder: &Path,
    checkpoints: &Path,
    over: &[Numbered],
    first: &Numbered,
) -> io::Result<()> {
    for file in over {
        fs::remove_file(folder.join(&file.name))?;
    }
    let vouching = folder::files(checkpoints, CHECKPOINTS)?;
    // A file's checkpoints end where the next's begin.
    for pair in vouching.windows(2) {
        if let [file, next] = pair
            && next.first < first.first
        {
            fs::remove_file(checkpoints.join(&file.name))?;
        }
    }
    folder::sync_folder(&folder.join(&first.name))
}
