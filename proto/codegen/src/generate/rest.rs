//! Experience services: a trait to implement and the routes that call it.

use proc_macro2::TokenStream;
use prost_reflect::{
    FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, ServiceDescriptor,
};
use quote::{format_ident, quote};

use super::{names, service};
use crate::{
    comments,
    compile::{Contract, Version},
    finding::Finding,
    openapi,
    route::{Body, Route, Verb},
};

pub(super) fn generate(
    contract: &Contract,
    version: &Version,
    service: &ServiceDescriptor,
) -> Result<TokenStream, Finding> {
    let document = openapi::document(contract, version)?.to_string();
    let handler = format_ident!("{}", service.name());
    let base = service
        .name()
        .strip_suffix("Service")
        .unwrap_or(service.name());
    let unit = format_ident!("{base}Contract");
    let implementation = service::contract(
        contract,
        version,
        service,
        &TokenStream::new(),
        &quote!(#unit),
    );

    let mut signatures = TokenStream::new();
    let mut descriptions = TokenStream::new();
    let mut registrations = TokenStream::new();
    for method in service.methods() {
        let route = route(contract, &method)?;
        signatures.extend(signature(&method));
        descriptions.extend(service::method(contract, &method, &route.template));
        let constant = service::constant(&method);
        let function = names::snake(method.name());
        let route = route_value(&route, &method.input(), &quote!(#constant));
        let add = if method.is_server_streaming() {
            format_ident!("stream")
        } else {
            format_ident!("route")
        };
        registrations.extend(quote! {
            let api = ::std::sync::Arc::clone(&service);
            let routes = routes.#add(const { &#route }, move |call, request| {
                let api = ::std::sync::Arc::clone(&api);
                async move { <S as #handler>::#function(&api, call, request).await }
            });
        });
    }
    let trait_doc = format!(" Answers the methods of `{}`.", service.full_name());
    let unit_doc = format!(" What the estate knows of `{}`.", service.full_name());
    let routes_doc = format!(
        " The routes of `{}`, answered by `service`.",
        service.full_name()
    );
    Ok(quote! {
        #[doc = #trait_doc]
        pub trait #handler: Send + Sync + 'static {
            #signatures
        }

        #[doc = #unit_doc]
        #[derive(Clone, Copy, Debug)]
        pub struct #unit;
        #implementation
        #descriptions

        /// What clients are told of the routes: an OpenAPI 3.1 document, as JSON.
        pub const OPENAPI: &str = #document;

        #[doc = #routes_doc]
        pub fn routes<S: #handler>(service: S) -> ::strata_rest::Routes<#unit> {
            let service = ::std::sync::Arc::new(service);
            let routes = ::strata_rest::Routes::new(OPENAPI);
            #registrations
            routes
        }
    })
}

/// The route the checks have let through.
fn route(contract: &Contract, method: &MethodDescriptor) -> Result<Route, Finding> {
    contract
        .options
        .http(method)
        .and_then(|rule| Route::read(&rule, method).ok())
        .ok_or_else(|| super::defect(contract, &"a method has no route"))
}

fn signature(method: &MethodDescriptor) -> TokenStream {
    let function = names::snake(method.name());
    let request = names::message(&method.input());
    let mut response = names::message(&method.output());
    if method.is_server_streaming() {
        response = quote!(::strata_rest::Messages<#response>);
    }
    let file = method.parent_file();
    let name = format!(" `{}`.", method.name());
    let doc = comments::comment(&file, method.path()).unwrap_or(&name);
    quote! {
        #[doc = #doc]
        fn #function(
            &self,
            call: ::strata_core::Call,
            request: #request,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<#response, ::strata_core::Error>,
        > + Send;
    }
}

fn route_value(route: &Route, request: &MessageDescriptor, method: &TokenStream) -> TokenStream {
    let verb = match route.verb {
        Verb::Get => format_ident!("Get"),
        Verb::Put => format_ident!("Put"),
        Verb::Post => format_ident!("Post"),
        Verb::Delete => format_ident!("Delete"),
        Verb::Patch => format_ident!("Patch"),
    };
    let template = &route.template;
    let fields = request.fields().map(|field| {
        let (proto, json) = (field.name(), field.json_name());
        quote!((#proto, #json))
    });
    let path = route.path.iter().map(parameter);
    let query = route.query.iter().map(parameter);
    let body = match &route.body {
        Body::None => quote!(::strata_rest::BodyBinding::None),
        Body::Whole => quote!(::strata_rest::BodyBinding::Whole),
        Body::Field(field) => {
            let name = field.json_name();
            quote!(::strata_rest::BodyBinding::Field(#name))
        }
    };
    quote! {
        ::strata_rest::Route {
            verb: ::strata_rest::Verb::#verb,
            template: #template,
            method: #method,
            path: &[#(#path),*],
            query: &[#(#query),*],
            body: #body,
            fields: &[#(#fields),*],
        }
    }
}

fn parameter(field: &FieldDescriptor) -> TokenStream {
    let kind = match field.kind() {
        Kind::Bool => format_ident!("Boolean"),
        Kind::Double | Kind::Float => format_ident!("Number"),
        Kind::String => format_ident!("Text"),
        Kind::Bytes => format_ident!("Bytes"),
        Kind::Enum(_) => format_ident!("Enumeration"),
        Kind::Message(message) if message.name() == "Duration" => format_ident!("Duration"),
        Kind::Message(_) => format_ident!("Timestamp"),
        _ => format_ident!("Integer"),
    };
    let json = field.json_name();
    let proto = field.name();
    let repeated = field.is_list();
    quote! {
        ::strata_rest::Parameter {
            json: #json,
            proto: #proto,
            kind: ::strata_rest::Kind::#kind,
            repeated: #repeated,
        }
    }
}
