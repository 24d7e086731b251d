//! Writes `contract.rs`: one module per version, everything of the version flat in it.

mod grpc;
mod messages;
mod names;
mod rest;
mod service;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use strata_core::Layer;

use crate::{
    compile::{Contract, Version},
    finding::Finding,
};

/// The Rust of a contract that passed the checks.
pub(crate) fn contract(contract: &Contract) -> Result<String, Finding> {
    let modules = contract
        .versions
        .iter()
        .map(|version| module(contract, version))
        .collect::<Result<TokenStream, _>>()?;
    let file = syn::parse2(modules).map_err(|error| defect(contract, &error))?;
    Ok(prettyplease::unparse(&file))
}

fn module(contract: &Contract, version: &Version) -> Result<TokenStream, Finding> {
    let name = format_ident!("{}", version.name);
    let doc = format!(" Version {} of the contract.", version.name);
    let messages = messages::generate(contract, version)?;
    let mut services = TokenStream::new();
    for service in version.services() {
        services.extend(match contract.folder.layer {
            Layer::System | Layer::Process => grpc::generate(contract, &service),
            Layer::Experience => rest::generate(contract, &service)?,
        });
    }
    Ok(quote! {
        #[doc = #doc]
        pub mod #name {
            // The generators of prost, pbjson and tonic follow neither the estate's lints nor its
            // documentation rule; what is unsafe stays forbidden.
            #![allow(
                missing_docs,
                unreachable_pub,
                clippy::all,
                clippy::pedantic,
                clippy::disallowed_types,
                reason = "generated code"
            )]
            #messages
            #services
        }
    })
}

/// What a generator made cannot be used: a defect here, not in the contract.
fn defect(contract: &Contract, error: &dyn std::fmt::Display) -> Finding {
    Finding::new(
        &contract.folder.path().display().to_string(),
        "",
        format!("the generated code is not valid: {error}; report it with this contract"),
    )
}
