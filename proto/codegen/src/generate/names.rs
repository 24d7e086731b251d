//! Rust names of protobuf names, as prost makes them.

use heck::{ToSnakeCase, ToUpperCamelCase};
use proc_macro2::{Ident, Span, TokenStream};
use prost_reflect::{FieldDescriptor, MessageDescriptor, OneofDescriptor};
use quote::{format_ident, quote};

/// The path of a message's type, from the module of its version.
pub(super) fn message(message: &MessageDescriptor) -> TokenStream {
    let name = camel(message.name());
    if message.package_name() == "google.protobuf" {
        return quote!(::pbjson_types::#name);
    }
    let modules = module_of(message.parent_message().as_ref());
    quote!(#modules #name)
}

/// The module of what is nested in `message`, with a trailing `::`; nothing at the top.
pub(super) fn module_of(message: Option<&MessageDescriptor>) -> TokenStream {
    let Some(message) = message else {
        return TokenStream::new();
    };
    let outer = module_of(message.parent_message().as_ref());
    let name = snake(message.name());
    quote!(#outer #name ::)
}

/// The oneof a field stands in; `optional` is one of the descriptor's alone.
pub(super) fn in_oneof(field: &FieldDescriptor) -> Option<OneofDescriptor> {
    field
        .containing_oneof()
        .filter(|oneof| !oneof.is_synthetic())
}

/// A type's name.
pub(super) fn camel(name: &str) -> Ident {
    ident(&name.to_upper_camel_case())
}

/// A function's or module's name.
pub(super) fn snake(name: &str) -> Ident {
    ident(&name.to_snake_case())
}

/// An identifier: raw when it is a keyword, with `_` appended when it cannot be raw.
fn ident(name: &str) -> Ident {
    match name {
        "self" | "super" | "crate" | "Self" | "extern" => format_ident!("{name}_"),
        _ if syn::parse_str::<Ident>(name).is_ok() => Ident::new(name, Span::call_site()),
        _ => Ident::new_raw(name, Span::call_site()),
    }
}
