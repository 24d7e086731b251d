//! The map as documents: Markdown for review, a page with a picture for reading.

use anyhow::Result;
use minijinja::{
    Environment, context,
    value::{Serde, Value},
};
use strata_estate::paper;

use super::{model::DataMap, picture::Picture};

const TEMPLATES: [(&str, &str); 3] = [
    ("map.md", include_str!("../../data-map/map.md.jinja")),
    ("map.html", include_str!("../../data-map/map.html.jinja")),
    (
        "picture.svg",
        include_str!("../../data-map/picture.svg.jinja"),
    ),
];

/// As Markdown.
pub(super) fn markdown(map: &DataMap) -> Result<String> {
    let map = Value::from(Serde(map));
    Ok(engine()?.get_template("map.md")?.render(context! { map })?)
}

/// As one page of HTML that loads nothing.
pub(super) fn html(map: &DataMap) -> Result<String> {
    let picture = Value::from(Serde(Picture::of(map)));
    let map = Value::from(Serde(map));
    let engine = engine()?;
    Ok(engine
        .get_template("map.html")?
        .render(context! { map, picture })?)
}

fn engine() -> Result<Environment<'static>> {
    paper::engine(&TEMPLATES)
}
