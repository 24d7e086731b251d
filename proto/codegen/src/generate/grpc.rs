//! System and Process services: what ties tonic's client and server to the estate.

use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use prost_reflect::ServiceDescriptor;
use quote::{format_ident, quote};

use super::service;
use crate::compile::{Contract, Version};

pub(super) fn generate(
    contract: &Contract,
    version: &Version,
    service: &ServiceDescriptor,
) -> TokenStream {
    let name = service.name();
    let handler = format_ident!("{name}");
    let client = format_ident!("{name}Client");
    let server = format_ident!("{name}Server");
    let client_module = format_ident!("{}_client", name.to_snake_case());
    let server_module = format_ident!("{}_server", name.to_snake_case());

    let methods = service.methods().map(|method| {
        let path = format!("/{}/{}", service.full_name(), method.name());
        service::method(contract, &method, &path)
    });
    let constants = service.methods().map(|method| {
        let constant = service::constant(&method);
        quote!(#constant)
    });
    let constants: Vec<_> = constants.collect();
    let contract_of = |this| {
        let generics = quote!(<T>);
        service::contract(contract, version, service, &generics, &this, &constants)
    };
    let of_client = contract_of(quote!(#client<T>));
    let of_server = contract_of(quote!(#server<T>));
    // The rule is asked here, once, at build time: no other layer gets the implementation.
    let callers = contract.folder.layer.callers().map(|caller| {
        let caller = service::layer(caller);
        quote!(impl<T> ::strata_core::CallableFrom<::strata_core::#caller> for #client<T> {})
    });
    quote! {
        pub use #client_module::#client;
        pub use #server_module::{#handler, #server};
        #(#methods)*
        #of_client
        #of_server
        #(#callers)*
        impl<T> ::strata_grpc::Server for #server<T> {
            fn with_message_limit(self, bytes: usize) -> Self {
                self.max_decoding_message_size(bytes)
            }
        }
        impl<T> ::strata_core::ClientOver<T> for #client<T>
        where
            T: ::tonic::client::GrpcService<::tonic::body::Body>,
            T::Error: Into<::tonic::codegen::StdError>,
            T::ResponseBody:
                ::tonic::codegen::Body<Data = ::tonic::codegen::Bytes> + Send + 'static,
            <T::ResponseBody as ::tonic::codegen::Body>::Error:
                Into<::tonic::codegen::StdError> + Send,
        {
            fn over(transport: T) -> Self {
                Self::new(transport)
            }
        }
    }
}
