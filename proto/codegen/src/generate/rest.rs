//! Experience services: for each version a trait to implement and the routes that call it, and what all
//! versions are together.

use heck::ToUpperCamelCase as _;
use proc_macro2::{Ident, TokenStream};
use prost_reflect::{
    FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, ServiceDescriptor,
};
use quote::{format_ident, quote};

use super::{names, service};
use crate::{
    comments,
    compile::{Contract, Version},
    deprecation::{self, Deprecation},
    finding::Finding,
    folder, openapi,
    route::{Body, Route, Verb},
};

pub(super) fn generate(
    contract: &Contract,
    version: &Version,
    service: &ServiceDescriptor,
) -> Result<TokenStream, Finding> {
    let document = openapi::document(contract, version)?.to_string();
    let handler = format_ident!("{}", service.name());
    let unit = unit(contract);
    let number = folder::number(&version.name)
        .ok_or_else(|| super::defect(contract, &"a version has no number"))?;

    let mut signatures = TokenStream::new();
    let mut descriptions = TokenStream::new();
    let mut registrations = TokenStream::new();
    for method in service.methods() {
        let route = route(contract, &method)?;
        signatures.extend(signature(&method));
        descriptions.extend(service::method(contract, &method, &route.template));
        let constant = service::constant(&method);
        let function = names::snake(method.name());
        let deprecation = deprecation(contract, &method)?;
        let route = route_value(&route, &method.input(), &quote!(#constant), &deprecation);
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
    let routes_doc = format!(
        " The routes of `{}`, answered by `service`.",
        service.full_name()
    );
    Ok(quote! {
        #[doc = #trait_doc]
        pub trait #handler: Send + Sync + 'static {
            #signatures
        }

        #descriptions

        /// What clients are told of the routes: an OpenAPI 3.1 document, as JSON.
        pub const OPENAPI: &str = #document;

        #[doc = #routes_doc]
        pub fn routes<S: #handler>(service: S) -> ::strata_rest::Routes<super::#unit> {
            let service = ::std::sync::Arc::new(service);
            let routes = ::strata_rest::Routes::new(#number, OPENAPI);
            #registrations
            routes
        }
    })
}

/// What all versions are together, since one service serves them all. By the name of its newest.
pub(super) fn contract(contract: &Contract) -> TokenStream {
    let Some((newest, service)) = contract
        .versions
        .last()
        .and_then(|newest| Some((newest, newest.services().next()?)))
    else {
        return TokenStream::new();
    };
    let constants = contract.versions.iter().flat_map(|version| {
        let module = format_ident!("{}", version.name);
        let methods = version
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>());
        methods.map(move |method| {
            let constant = service::constant(&method);
            quote!(#module::#constant)
        })
    });
    let constants: Vec<_> = constants.collect();
    let unit = unit(contract);
    let doc = format!(
        " What the estate knows of `{}`, in all its versions.",
        contract.folder.id()
    );
    let none = TokenStream::new();
    let implementation = service::contract(
        contract,
        newest,
        &service,
        &none,
        &quote!(#unit),
        &constants,
    );
    quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, Debug)]
        pub struct #unit;
        #implementation
    }
}

/// The type that stands for the contract, `StorefrontContract`.
fn unit(contract: &Contract) -> Ident {
    format_ident!("{}Contract", contract.folder.name.to_upper_camel_case())
}

/// The end of a method, which the checks have let through.
fn deprecation(contract: &Contract, method: &MethodDescriptor) -> Result<TokenStream, Finding> {
    let stated = Deprecation::read(&contract.options.method(method))
        .map_err(|problem| super::defect(contract, &problem))?;
    let Some(Deprecation { since, sunset }) = stated else {
        return Ok(quote!(::core::option::Option::None));
    };
    let header = deprecation::header(since);
    let sunset = match sunset {
        None => quote!(::core::option::Option::None),
        Some(sunset) => {
            let (at, date) = (
                deprecation::timestamp(sunset),
                deprecation::http_date(sunset),
            );
            quote! {
                ::core::option::Option::Some(::strata_rest::Sunset { at: #at, header: #date })
            }
        }
    };
    Ok(quote! {
        ::core::option::Option::Some(::strata_rest::Deprecation {
            header: #header,
            sunset: #sunset,
        })
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

fn route_value(
    route: &Route,
    request: &MessageDescriptor,
    method: &TokenStream,
    deprecation: &TokenStream,
) -> TokenStream {
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
            deprecation: #deprecation,
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
