//! What a contract tells the rest of the estate about a service.

use heck::ToShoutySnakeCase;
use proc_macro2::{Ident, TokenStream};
use prost_reflect::{MethodDescriptor, ServiceDescriptor};
use quote::{format_ident, quote};
use strata_core::{Label, Layer};

use crate::{
    audit,
    compile::{Contract, Version},
    policy,
};

/// `strata_core::Contract` for `this`, whose `methods` are paths of the constants [`method`] declares.
pub(super) fn contract(
    contract: &Contract,
    version: &Version,
    service: &ServiceDescriptor,
    generics: &TokenStream,
    this: &TokenStream,
    methods: &[TokenStream],
) -> TokenStream {
    let layer = layer(contract.folder.layer);
    let folder = &contract.folder.name;
    let name = service.full_name();
    let schema = policy::schema(contract, version, service);
    quote! {
        impl #generics ::strata_core::Contract for #this {
            const LAYER: ::strata_core::Layer = ::strata_core::Layer::#layer;
            const SERVICE: &'static str = #folder;
            const NAME: &'static str = #name;
            const METHODS: &'static [::strata_core::Method] = &[#(#methods),*];
            const POLICY_SCHEMA: &'static str = #schema;
        }
    }
}

/// A constant that describes `method`, which answers at `path`.
pub(super) fn method(contract: &Contract, method: &MethodDescriptor, path: &str) -> TokenStream {
    let constant = constant(method);
    let annotations = contract.options.method(method);
    let doc = format!(" `{}`, as policies and middleware know it.", method.name());
    let name = method.name();
    let scope = annotations.scope().to_owned();
    let (purpose, idempotent) = (&annotations.purpose, annotations.idempotent);
    let durable = audit::is_durable(contract, method);
    let ceiling = label(annotations.ceiling.unwrap_or_default().read());
    quote! {
        #[doc = #doc]
        pub const #constant: ::strata_core::Method = ::strata_core::Method {
            name: #name,
            path: #path,
            scope: #scope,
            purpose: #purpose,
            idempotent: #idempotent,
            ceiling: #ceiling,
            durable: #durable,
        };
    }
}

/// The name of a method's constant, `GET_CUSTOMER`.
pub(super) fn constant(method: &MethodDescriptor) -> Ident {
    format_ident!("{}", method.name().to_shouty_snake_case())
}

/// A layer's name as a type and as a value of `strata_core`.
pub(super) fn layer(layer: Layer) -> Ident {
    match layer {
        Layer::System => format_ident!("System"),
        Layer::Process => format_ident!("Process"),
        Layer::Experience => format_ident!("Experience"),
    }
}

/// A label, as a value of `strata_core`.
pub(super) fn label(label: Label) -> TokenStream {
    let sensitivity = format_ident!("{}", format!("{:?}", label.sensitivity));
    let categories = label.categories.iter().map(|category| {
        let name = format_ident!("{}", format!("{category:?}"));
        quote!(::strata_core::Category::#name)
    });
    quote! {
        ::strata_core::Label::new(::strata_core::Sensitivity::#sensitivity, &[#(#categories),*])
    }
}
