//! Which tests a source file defines, read from the source itself: to ask the built programs would build
//! them all.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, Result};
use proc_macro2::{TokenStream, TokenTree};
use syn::{ItemFn, Macro, Token, punctuated::Punctuated, visit, visit::Visit};

pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The functions of a file, by its path in the repository, that are tests: by their attribute, or because
/// the suite the file belongs to lists them in `cases!`.
pub(crate) fn tests(file: &str) -> Result<BTreeSet<String>> {
    let found = Found::in_file(file)?;
    let mut tests = found.tests;
    if let Some((suite, module)) = of_suite(file) {
        let listed = Found::in_file(&format!("{suite}/main.rs"))?.cases;
        let listed = listed.into_iter().filter_map(|case| {
            let function = case.strip_prefix(&format!("{module}::"))?;
            found.functions.get(function).cloned()
        });
        tests.extend(listed);
    }
    Ok(tests)
}

/// The folder of the suite that a file is a module of, and its name in it.
fn of_suite(file: &str) -> Option<(String, &str)> {
    let (suite, module) = file.strip_prefix("tests/")?.split_once('/')?;
    let folder = format!("tests/{suite}");
    let has_main = Path::new(ROOT).join(&folder).join("main.rs").is_file();
    has_main.then_some((folder, module.strip_suffix(".rs")?))
}

#[derive(Default)]
struct Found {
    functions: BTreeSet<String>,
    tests: BTreeSet<String>,
    /// `module::function`.
    cases: BTreeSet<String>,
}

impl Found {
    fn in_file(file: &str) -> Result<Self> {
        let text = fs::read_to_string(Path::new(ROOT).join(file));
        let text = text.with_context(|| format!("there is no {file}"))?;
        let parsed = syn::parse_file(&text).with_context(|| format!("{file} is no Rust"))?;
        let mut found = Self::default();
        found.visit_file(&parsed);
        Ok(found)
    }
}

impl Visit<'_> for Found {
    fn visit_item_fn(&mut self, function: &ItemFn) {
        let name = function.sig.ident.to_string();
        let is_test = function.attrs.iter().any(|attribute| {
            let last = attribute.path().segments.last();
            last.is_some_and(|segment| segment.ident == "test")
        });
        if is_test {
            self.tests.insert(name.clone());
        }
        self.functions.insert(name);
        visit::visit_item_fn(self, function);
    }

    fn visit_macro(&mut self, called: &Macro) {
        if !called.path.is_ident("cases") {
            self.tests.extend(within(&called.tokens));
            return;
        }
        let parsed = called.parse_body_with(Punctuated::<syn::Path, Token![,]>::parse_terminated);
        for path in parsed.into_iter().flatten() {
            let names = path.segments.iter().map(|part| part.ident.to_string());
            self.cases.insert(names.collect::<Vec<_>>().join("::"));
        }
    }
}

/// The tests that a macro such as `proptest!` is given, which are no Rust yet: `#[test] fn name`.
fn within(tokens: &TokenStream) -> Vec<String> {
    let tokens: Vec<_> = tokens.clone().into_iter().collect();
    let tests = tokens.windows(4).filter_map(|four| match four {
        [
            TokenTree::Punct(_),
            TokenTree::Group(attribute),
            TokenTree::Ident(keyword),
            TokenTree::Ident(name),
        ] if keyword == "fn" && attribute.stream().to_string() == "test" => Some(name.to_string()),
        _ => None,
    });
    tests.collect()
}
