//! Messages and enums: prost's types, a `Debug` that shows no value, and for Experience contracts
//! the protobuf JSON mapping. For the other layers also tonic's client and server, because prost
//! generates services along with messages.

use proc_macro2::TokenStream;
use prost_build::{Config, Module, Service, ServiceGenerator};
use prost_reflect::prost_types::DescriptorProto;
use quote::quote;
use strata_core::Layer;

use super::{defect, names};
use crate::{
    compile::{Contract, Version},
    finding::Finding,
};

const WELL_KNOWN: (&str, &str) = (".google.protobuf", "::pbjson_types");

pub(super) fn generate(contract: &Contract, version: &Version) -> Result<TokenStream, Finding> {
    let types = tokens(
        contract,
        &types(contract, version).map_err(|e| defect(contract, &e))?,
    )?;
    let debug = debug(version);
    let json = match contract.folder.layer {
        Layer::Experience => tokens(
            contract,
            &json(contract, version).map_err(|e| defect(contract, &e))?,
        )?,
        Layer::System | Layer::Process => TokenStream::new(),
    };
    Ok(quote!(#types #debug #json))
}

fn types(contract: &Contract, version: &Version) -> std::io::Result<String> {
    let mut config = Config::new();
    config
        .compile_well_known_types()
        .extern_path(WELL_KNOWN.0, WELL_KNOWN.1)
        // Everything: the `Debug` below replaces it.
        .skip_debug(["."]);
    if contract.folder.layer != Layer::Experience {
        config.service_generator(Box::new(Services::new()));
    }
    let module = Module::from_protobuf_package_name(&contract.folder.package(&version.name));
    // prost looks into the well-known types for what it may derive on the types that hold them.
    let well_known = contract
        .pool
        .files()
        .filter(|file| file.package_name() == "google.protobuf");
    let files = version
        .files
        .iter()
        .cloned()
        .chain(well_known)
        .map(|file| {
            let module = Module::from_protobuf_package_name(file.package_name());
            let mut file = file.file_descriptor_proto().clone();
            pack(&mut file.message_type);
            (module, file)
        })
        .collect();
    Ok(config.generate(files)?.remove(&module).unwrap_or_default())
}

/// A list of numbers is packed in proto3 unless it says otherwise. prost takes any option of the field,
/// such as its annotations, for saying otherwise
/// (<https://protobuf.dev/programming-guides/encoding/#packed>).
fn pack(messages: &mut [DescriptorProto]) {
    for message in messages {
        for options in message
            .field
            .iter_mut()
            .filter_map(|field| field.options.as_mut())
        {
            options.packed.get_or_insert(true);
        }
        pack(&mut message.nested_type);
    }
}

/// tonic's client and server. A server decodes only what the contract bounds; what a service called
/// answers is a client's to take as it comes.
struct Services([Box<dyn ServiceGenerator>; 2]);

impl Services {
    fn new() -> Self {
        let configured = || {
            tonic_prost_build::configure()
                // Without `connect`: a client is made over the estate's own connector only.
                .build_transport(false)
                .compile_well_known_types(true)
        };
        let server = configured().codec_path("::strata_grpc::BoundedCodec");
        Self([
            configured().build_server(false).service_generator(),
            server.build_client(false).service_generator(),
        ])
    }
}

impl ServiceGenerator for Services {
    fn generate(&mut self, service: Service, code: &mut String) {
        for generator in &mut self.0 {
            generator.generate(service.clone(), code);
        }
    }
}

/// `Debug` of every type names the type and nothing else, so that no value reaches a log through it.
fn debug(version: &Version) -> TokenStream {
    let mut types = Vec::new();
    for message in version.messages() {
        types.push((message.name().to_owned(), names::message(&message)));
        let inner = names::module_of(Some(&message));
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let name = names::camel(oneof.name());
            types.push((
                format!("{}.{}", message.name(), oneof.name()),
                quote!(#inner #name),
            ));
        }
        for nested in message.child_enums() {
            let name = names::camel(nested.name());
            types.push((nested.name().to_owned(), quote!(#inner #name)));
        }
    }
    for top in version.files.iter().flat_map(|file| file.enums()) {
        let name = names::camel(top.name());
        types.push((top.name().to_owned(), quote!(#name)));
    }
    let impls = types.into_iter().map(|(name, path)| {
        quote! {
            impl ::core::fmt::Debug for #path {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.debug_struct(#name).finish_non_exhaustive()
                }
            }
        }
    });
    quote!(#(#impls)*)
}

fn json(contract: &Contract, version: &Version) -> std::io::Result<String> {
    let package = format!(".{}", contract.folder.package(&version.name));
    let written = pbjson_build::Builder::new()
        .register_descriptors(&contract.descriptors)?
        .extern_path(WELL_KNOWN.0, WELL_KNOWN.1)
        // A client reads the same members in every answer, whatever their values.
        .emit_fields()
        .generate(&[package], |_| Ok(Vec::new()))?;
    let bytes: Vec<u8> = written.into_iter().flat_map(|(_, bytes)| bytes).collect();
    String::from_utf8(bytes).map_err(std::io::Error::other)
}

fn tokens(contract: &Contract, code: &str) -> Result<TokenStream, Finding> {
    code.parse().map_err(|error| defect(contract, &error))
}
