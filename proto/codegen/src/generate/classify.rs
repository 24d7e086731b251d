//! What each message says of its values' labels, and how they are masked.

use proc_macro2::TokenStream;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};
use quote::{format_ident, quote};

use super::{names, service};
use crate::{
    compile::{Contract, Version},
    labels,
};

/// `strata_core::Classified` for every message.
pub(super) fn generate(contract: &Contract, version: &Version) -> TokenStream {
    let messages = version.messages();
    messages
        .iter()
        .map(|message| of_message(contract, message))
        .collect()
}

fn of_message(contract: &Contract, message: &MessageDescriptor) -> TokenStream {
    let path = names::message(message);
    let (options, classification) = (&contract.options, &contract.classification);
    let label = service::label(labels::of_message(options, classification, message));
    let values = labels::values(options, message);
    let combinations = labels::combinations(classification, &values);
    let combinations = combinations.into_iter().map(|combination| {
        let (label, kinds) = (
            service::label(combination.label),
            classification.bits(combination),
        );
        quote!(::strata_core::masking::Combination { label: #label, kinds: #kinds })
    });
    let masking = match message.fields().next() {
        Some(_) => quote!(masking),
        None => quote!(_),
    };
    let fields = message
        .fields()
        .filter(|field| names::in_oneof(field).is_none())
        .map(|field| of_field(contract, &field));
    let oneofs = message
        .oneofs()
        .filter(|oneof| !oneof.is_synthetic())
        .map(|oneof| of_oneof(contract, &oneof));
    quote! {
        impl ::strata_core::Classified for #path {
            const LABEL: ::strata_core::Label = #label;
            const COMBINATIONS: &'static [::strata_core::masking::Combination] =
                &[#(#combinations),*];

            fn visit(&mut self, #masking: &mut ::strata_core::masking::Masking<'_>) {
                #(#fields)*
                #(#oneofs)*
            }
        }
    }
}

fn of_field(contract: &Contract, field: &FieldDescriptor) -> TokenStream {
    let member = names::snake(field.name());
    let value = value(contract, field);
    let json = field.json_name();
    if field.is_map() {
        let within = labels::held(field).map(
            |_| quote!(for value in self.#member.values_mut() { masking.message(#json, value); }),
        );
        return quote!(masking.other(#value, &mut self.#member); #within);
    }
    if labels::held(field).is_some() {
        // An `Option`, or a `Vec`: both give what they hold.
        return quote!(for value in self.#member.iter_mut() { masking.message(#json, value); });
    }
    match field.kind() {
        Kind::String if field.is_list() => quote!(masking.texts(#value, &mut self.#member);),
        Kind::String if field.supports_presence() => {
            quote!(masking.optional(#value, &mut self.#member);)
        }
        Kind::String => quote!(masking.text(#value, &mut self.#member);),
        _ => quote!(masking.other(#value, &mut self.#member);),
    }
}

fn of_oneof(contract: &Contract, oneof: &OneofDescriptor) -> TokenStream {
    let member = names::snake(oneof.name());
    let module = names::module_of(Some(oneof.parent_message()));
    let choice = names::camel(oneof.name());
    // Named whether chosen or not: what was chosen is not told.
    let named = oneof
        .fields()
        .filter(|field| labels::held(field).is_none())
        .map(|field| {
            let value = value(contract, &field);
            quote!(masking.absent(#value);)
        });
    let arms = oneof.fields().map(|field| {
        let variant = names::camel(field.name());
        let (described, json) = (value(contract, &field), field.json_name());
        match field.kind() {
            _ if labels::held(&field).is_some() => {
                quote!(::core::option::Option::Some(#module #choice::#variant(value)) => {
                    masking.message(#json, value);
                    false
                })
            }
            Kind::String => quote! {
                ::core::option::Option::Some(#module #choice::#variant(value)) =>
                    masking.chosen_text(#described, value),
            },
            _ => quote! {
                ::core::option::Option::Some(#module #choice::#variant(_)) =>
                    masking.chosen(#described),
            },
        }
    });
    quote! {
        #(#named)*
        let nothing_is_left = match &mut self.#member {
            #(#arms)*
            ::core::option::Option::None => false,
        };
        if nothing_is_left {
            self.#member = ::core::option::Option::None;
        }
    }
}

/// The description of a value, as a constant.
fn value(contract: &Contract, field: &FieldDescriptor) -> TokenStream {
    let annotations = contract.options.field(field);
    let label = service::label(labels::stated(&contract.options, field));
    let (json, bit) = (
        field.json_name(),
        contract.classification.bit(&annotations.kind),
    );
    let kind = &annotations.kind;
    let mask = labels::mask(annotations.mask());
    let mask = format_ident!("{}", format!("{mask:?}"));
    quote! {
        &const {
            ::strata_core::masking::Value {
                json: #json,
                label: #label,
                kind: #kind,
                bit: #bit,
                mask: ::strata_core::masking::Mask::#mask,
            }
        }
    }
}
