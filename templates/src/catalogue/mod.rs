//! The catalogue: what the organisation offers to API consumers, on which terms, and how it changes.
//!
//! 1. `make` makes it from the contracts, `service.toml`, `plans.toml` and `consumers.toml`;
//! 2. `model` describes it, `render` shows it.

mod make;
mod model;
mod render;

use std::path::PathBuf;

use anyhow::Result;
use strata_estate::{Workspace, paper::Paper};

pub(crate) use self::model::{Catalogue, Plan, Version};

impl Catalogue {
    /// The catalogue of the estate, as its documents are now.
    ///
    /// # Errors
    /// When a document is wrong: the error says which and what to do.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        make::catalogue(workspace)
    }

    /// As Markdown.
    pub(crate) fn markdown(&self) -> Result<String> {
        render::render(self, render::MARKDOWN)
    }

    /// As one page of HTML that loads nothing.
    pub(crate) fn html(&self) -> Result<String> {
        render::render(self, render::PAGE)
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

/// Where the catalogue is committed.
pub(crate) fn files(workspace: &Workspace) -> [PathBuf; 2] {
    ["catalogue.md", "catalogue.html"].map(|name| workspace.root().join("docs").join(name))
}
