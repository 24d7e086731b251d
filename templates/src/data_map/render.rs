//! The map as documents: Markdown for review, a page with a picture for reading.

use anyhow::Result;
use heck::{ToShoutySnakeCase as _, ToSnakeCase as _};
use minijinja::{
    AutoEscape, Environment, UndefinedBehavior, context,
    syntax::SyntaxConfig,
    value::{Serde, Value},
};
use strata_core::Label;

use super::{model::DataMap, picture::Picture};

const MARKDOWN: &str = include_str!("../../data-map/map.md.jinja");
const PAGE: &str = include_str!("../../data-map/map.html.jinja");
const PICTURE: &str = include_str!("../../data-map/picture.svg.jinja");

/// As Markdown.
pub(super) fn markdown(map: &DataMap) -> Result<String> {
    let engine = engine()?;
    let map = Value::from(Serde(map));
    Ok(engine.get_template("map.md")?.render(context! { map })?)
}

/// As one page of HTML that loads nothing.
pub(super) fn html(map: &DataMap) -> Result<String> {
    let engine = engine()?;
    let picture = Value::from(Serde(Picture::of(map)));
    let map = Value::from(Serde(map));
    Ok(engine
        .get_template("map.html")?
        .render(context! { map, picture })?)
}

/// Whatever a contract says stands in a page as text, never as markup.
fn engine() -> Result<Environment<'static>> {
    let mut engine = Environment::new();
    engine.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?,
    );
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|name| match name.rsplit_once('.') {
        Some((_, "md")) => AutoEscape::None,
        _ => AutoEscape::Html,
    });
    engine.add_filter("label", |label: Serde<Label>| told(*label));
    engine.add_filter("level", |label: Serde<Label>| level(*label));
    engine.add_filter("cell", |text: String| cell(&text));
    engine.add_template("map.md", MARKDOWN)?;
    engine.add_template("map.html", PAGE)?;
    engine.add_template("picture.svg", PICTURE)?;
    Ok(engine)
}

/// `CONFIDENTIAL: personal, location`.
pub(super) fn told(label: Label) -> String {
    let categories = categories(label);
    match categories.is_empty() {
        true => level(label),
        false => format!("{}: {categories}", level(label)),
    }
}

/// `CONFIDENTIAL`.
pub(super) fn level(label: Label) -> String {
    format!("{:?}", label.sensitivity).to_shouty_snake_case()
}

/// `personal, location`.
pub(super) fn categories(label: Label) -> String {
    let categories = label.categories.iter();
    let names: Vec<_> = categories
        .map(|category| format!("{category:?}").to_snake_case())
        .collect();
    names.join(", ")
}

/// A text within a cell of a Markdown table: it neither ends the cell nor becomes markup.
fn cell(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('|', "\\|");
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use strata_core::{Category, Sensitivity};

    use super::*;

    #[test]
    fn labels_are_told_in_the_words_of_the_contracts() {
        let label = Label::new(
            Sensitivity::Confidential,
            &[Category::Personal, Category::SpecialCategory],
        );
        assert_eq!(told(label), "CONFIDENTIAL: personal, special_category");
        assert_eq!(told(Label::default()), "PUBLIC");
    }

    #[test]
    fn a_text_stays_in_its_cell() {
        assert_eq!(cell("a | b\n<i>c</i>"), "a \\| b &lt;i>c&lt;/i>");
    }
}
