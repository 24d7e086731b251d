//! What a request's messages check before anything reads them.

use proc_macro2::TokenStream;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};
use quote::quote;

use super::names;
use crate::{
    compile::{Contract, Version},
    limits::{self, Length, Limits},
};

/// `strata_core::Bounded` for every message a request can hold.
pub(super) fn generate(contract: &Contract, version: &Version) -> TokenStream {
    let messages = limits::requests(version);
    messages
        .iter()
        .map(|message| of_message(contract, version, message))
        .collect()
}

fn of_message(contract: &Contract, version: &Version, message: &MessageDescriptor) -> TokenStream {
    let path = names::message(message);
    let fields = message
        .fields()
        .filter(|field| names::in_oneof(field).is_none())
        .map(|field| of_field(contract, &field));
    let oneofs = message
        .oneofs()
        .filter(|oneof| !oneof.is_synthetic())
        .map(|oneof| of_oneof(contract, &oneof));
    let resource = resource(contract, version, message);
    quote! {
        impl ::strata_core::Bounded for #path {
            fn check(&self) -> ::core::result::Result<(), ::strata_core::Excess> {
                #(#fields)*
                #(#oneofs)*
                ::core::result::Result::Ok(())
            }

            #resource
        }
    }
}

/// What the message names, as a method's request: by a text, since an id of another type names nothing
/// for itself.
fn resource(
    contract: &Contract,
    version: &Version,
    message: &MessageDescriptor,
) -> Option<TokenStream> {
    let methods = version.services().flat_map(|service| {
        let methods: Vec<_> = service.methods().collect();
        methods
    });
    let named = methods
        .filter(|method| method.input() == *message)
        .map(|method| contract.options.method(&method).resource);
    let field = named
        .filter_map(|name| message.get_field_by_name(&name))
        .find(|field| {
            matches!(field.kind(), Kind::String) && !field.is_list() && !field.supports_presence()
        })?;
    let (member, name) = (names::snake(field.name()), field.name().to_owned());
    Some(quote! {
        fn resource(&self) -> ::core::option::Option<(&'static str, &str)> {
            ::core::option::Option::Some((#name, self.#member.as_str()))
        }
    })
}

fn of_field(contract: &Contract, field: &FieldDescriptor) -> TokenStream {
    let member = names::snake(field.name());
    let name = name(field);
    let limits = Limits::of(&contract.options, field);
    let Some(items) = limits.items else {
        let check = value(&name, &limits, &field.kind(), &quote!(value));
        return match check {
            None => TokenStream::new(),
            // Has an `Option` around it.
            Some(check) if field.supports_presence() => quote! {
                if let ::core::option::Option::Some(value) = &self.#member { #check }
            },
            Some(check) => quote!({ let value = &self.#member; #check }),
        };
    };
    let count = quote!(#name.items(self.#member.len(), #items)?;);
    let kinds = limits::kinds(field);
    let each = match kinds.as_slice() {
        [key, held] => {
            let key = value(&name, &limits, key, &quote!(key));
            let held = value(&name, &limits, held, &quote!(value));
            (key.is_some() || held.is_some())
                .then(|| quote!(for (key, value) in &self.#member { #key #held }))
        }
        [kind] => value(&quote!(#name.at(at)), &limits, kind, &quote!(value))
            .map(|check| quote!(for (at, value) in self.#member.iter().enumerate() { #check })),
        _ => None,
    };
    quote!(#count #each)
}

fn of_oneof(contract: &Contract, oneof: &OneofDescriptor) -> TokenStream {
    let member = names::snake(oneof.name());
    let module = names::module_of(Some(oneof.parent_message()));
    let choice = names::camel(oneof.name());
    let arms = oneof.fields().filter_map(|field| {
        let variant = names::camel(field.name());
        let limits = Limits::of(&contract.options, &field);
        let check = value(&name(&field), &limits, &field.kind(), &quote!(value))?;
        Some(quote!(::core::option::Option::Some(#module #choice::#variant(value)) => { #check }))
    });
    quote! {
        match &self.#member {
            #(#arms)*
            _ => {}
        }
    }
}

/// Checks one value of `kind`; nothing when it cannot be too long.
fn value(
    field: &TokenStream,
    limits: &Limits,
    kind: &Kind,
    value: &TokenStream,
) -> Option<TokenStream> {
    match (kind, limits.length(kind)) {
        (_, Some(Length::Characters(most))) => Some(quote!(#field.text(#value, #most)?;)),
        (_, Some(Length::Bytes(most))) => Some(quote!(#field.bytes(#value, #most)?;)),
        (Kind::Message(message), None) if message.package_name() != "google.protobuf" => {
            Some(quote!(#field.message(#value)?;))
        }
        _ => None,
    }
}

fn name(field: &FieldDescriptor) -> TokenStream {
    let (proto, json) = (field.name(), field.json_name());
    quote!(::strata_core::bounded::Field::new(#proto, #json))
}
