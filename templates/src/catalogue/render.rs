//! The catalogue as documents: Markdown for review, a page for reading.

use anyhow::Result;
use minijinja::{
    context,
    value::{Serde, Value},
};
use strata_estate::paper;

use super::model::Catalogue;

/// A paper's template, by a name that says how text is escaped in it.
type Template = (&'static str, &'static str);

pub(super) const MARKDOWN: Template = (
    "catalogue.md",
    include_str!("../../catalogue/catalogue.md.jinja"),
);
pub(super) const PAGE: Template = (
    "catalogue.html",
    include_str!("../../catalogue/catalogue.html.jinja"),
);

pub(super) fn render(catalogue: &Catalogue, template: Template) -> Result<String> {
    let engine = paper::engine(&[template])?;
    let apis = Value::from(Serde(&catalogue.apis));
    let (name, _) = template;
    Ok(engine.get_template(name)?.render(context! { apis })?)
}
