//! The data map: which personal data each system of record holds, who is answered it, and along which
//! calls it moves.
//!
//! 1. `sources` reads what the documents of the estate declare;
//! 2. `make`, `stores` and `readers` make the map of it, which `model` describes;
//! 3. `render` and `picture` show it; `subject` and `counts` answer for one person.

mod counts;
mod make;
mod model;
mod picture;
mod readers;
mod render;
mod sources;
mod stores;
pub(crate) mod subject;

use std::path::PathBuf;

use anyhow::Result;
use strata_estate::{Workspace, paper::Paper};

use self::sources::Sources;

pub(crate) use self::model::{DataMap, Reader};

impl DataMap {
    /// The map of the estate, as its documents are now.
    ///
    /// # Errors
    /// When a document is wrong: the error says which and what to do.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        Ok(make::map(&Sources::read(workspace)?))
    }

    /// As Markdown.
    pub(crate) fn markdown(&self) -> Result<String> {
        render::markdown(self)
    }

    /// As one page of HTML that loads nothing.
    pub(crate) fn html(&self) -> Result<String> {
        render::html(self)
    }

    /// Its committed forms.
    pub(crate) fn papers(&self, workspace: &Workspace) -> Result<[Paper; 2]> {
        let [markdown, html] = files(workspace);
        Ok([
            Paper {
                file: markdown,
                text: self.markdown()?,
            },
            Paper {
                file: html,
                text: self.html()?,
            },
        ])
    }
}

/// Where the map is committed.
pub(crate) fn files(workspace: &Workspace) -> [PathBuf; 2] {
    ["data-map.md", "data-map.html"].map(|name| workspace.root().join("docs").join(name))
}
