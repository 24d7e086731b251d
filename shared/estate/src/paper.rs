//! Committed papers: documents made from what the estate declares, for people to read.

use std::{fs, io::ErrorKind, path::PathBuf};

use anyhow::{Context as _, Result};
use heck::{ToShoutySnakeCase as _, ToSnakeCase as _};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use strata_core::Label;

/// A committed paper.
pub struct Paper {
    /// The committed file.
    pub file: PathBuf,
    /// What that file should hold.
    pub text: String,
}

impl Paper {
    /// What is wrong with the committed file; none when it holds what it should.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn problem(&self) -> Result<Option<&'static str>> {
        match fs::read_to_string(&self.file) {
            Ok(text) if text == self.text => Ok(None),
            Ok(_) => Ok(Some("differs from what it is made from")),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Some("is missing")),
            Err(error) => {
                Err(error).with_context(|| format!("{} cannot be read", self.file.display()))
            }
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self) -> Result<()> {
        let folder = self.file.parent().context("a paper has a folder")?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&self.file, &self.text))
            .with_context(|| format!("{} cannot be written", self.file.display()))
    }
}

/// What papers are rendered with, by the names of their templates. Whatever a contract says stands in a page as
/// text, never as markup.
///
/// # Errors
/// When a template is not one.
pub fn engine(templates: &[(&'static str, &'static str)]) -> Result<Environment<'static>> {
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
    for (name, template) in templates {
        engine.add_template(name, template)?;
    }
    Ok(engine)
}

/// `CONFIDENTIAL: personal, location`.
#[must_use]
pub fn told(label: Label) -> String {
    let categories = categories(label);
    match categories.is_empty() {
        true => level(label),
        false => format!("{}: {categories}", level(label)),
    }
}

/// `CONFIDENTIAL`.
#[must_use]
pub fn level(label: Label) -> String {
    format!("{:?}", label.sensitivity).to_shouty_snake_case()
}

/// `personal, location`.
#[must_use]
pub fn categories(label: Label) -> String {
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
