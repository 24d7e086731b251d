//! Writes `contract.rs`: one module per version, everything of the version flat in it. Beside them stands
//! what the versions of an Experience API are together.

mod bounds;
mod classify;
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
    let all = match contract.folder.layer {
        Layer::System | Layer::Process => TokenStream::new(),
        Layer::Experience => rest::contract(contract),
    };
    let file = syn::parse2(quote!(#all #modules)).map_err(|error| defect(contract, &error))?;
    Ok(prettyplease::unparse(&file))
}

fn module(contract: &Contract, version: &Version) -> Result<TokenStream, Finding> {
    let name = format_ident!("{}", version.name);
    let doc = format!(" Version {} of the contract.", version.name);
    let messages = messages::generate(contract, version)?;
    let bounds = bounds::generate(contract, version);
    let classified = classify::generate(contract, version);
    let mut services = TokenStream::new();
    for service in version.services() {
        services.extend(match contract.folder.layer {
            Layer::System | Layer::Process => grpc::generate(contract, version, &service),
            Layer::Experience => rest::generate(contract, version, &service)?,
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
            #bounds
            #classified
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

#[cfg(test)]
mod tests {
    use crate::checks::fixture::{self, EXPERIENCE, SYSTEM};

    fn generated(folder: &str, proto: &str) -> String {
        let contract = fixture::compile(folder, proto).unwrap();
        bare(&super::contract(&contract).unwrap())
    }

    /// Code without its layout: no white space, no trailing commas.
    fn bare(code: &str) -> String {
        let code: String = code.split_whitespace().collect();
        code.replace(",)", ")")
            .replace(",]", "]")
            .replace(",}", "}")
    }

    #[track_caller]
    fn assert_holds(code: &str, parts: &[&str]) {
        for part in parts {
            assert!(code.contains(&bare(part)), "no `{part}`");
        }
    }

    #[test]
    fn a_client_is_callable_from_the_layer_above_only() {
        let process = SYSTEM
            .replace("system.", "process.")
            .replace("SYSTEM", "PROCESS");
        for (folder, proto, caller, others) in [
            (
                "system/price-list",
                SYSTEM,
                "Process",
                ["Experience", "System"],
            ),
            (
                "process/price-list",
                &process,
                "Experience",
                ["Process", "System"],
            ),
        ] {
            let code = generated(folder, proto);
            let callable = |layer| {
                bare(&format!(
                    "impl<T> ::strata_core::CallableFrom<::strata_core::{layer}> for \
                     PriceListServiceClient<T> {{}}"
                ))
            };
            assert!(code.contains(&callable(caller)), "{folder}");
            for other in others {
                assert!(!code.contains(&callable(other)), "{folder} from {other}");
            }
        }
        assert!(!generated("experience/desk", EXPERIENCE).contains("CallableFrom"));
    }

    #[test]
    fn a_client_cannot_connect_by_itself() {
        let code = generated("system/price-list", SYSTEM);
        assert_holds(&code, &["pub fn new(inner: T) -> Self"]);
        assert!(!code.contains("connect") && !code.contains("transport::"));
    }

    #[test]
    fn client_and_server_know_their_contract() {
        let code = generated("system/price-list", SYSTEM);
        for of in ["PriceListServiceClient<T>", "PriceListServiceServer<T>"] {
            assert_holds(
                &code,
                &[&format!(
                    "impl<T> ::strata_core::Contract for {of} {{ const LAYER: \
                     ::strata_core::Layer = ::strata_core::Layer::System; const SERVICE: \
                     &'static str = \"price-list\"; const NAME: &'static str = \
                     \"system.price_list.v1.PriceListService\"; const METHODS: &'static \
                     [::strata_core::Method] = &[GET_PRICE]; const POLICY_SCHEMA:"
                )],
            );
        }
        assert_holds(
            &code,
            &["= ::strata_core::Method { name: \"GetPrice\", path: \
               \"/system.price_list.v1.PriceListService/GetPrice\", scope: \"prices:read\", \
               purpose: \"\", idempotent: false, ceiling: ::strata_core::Label::new( \
               ::strata_core::Sensitivity::Internal, &[::strata_core::Category::Personal], ), durable: true, };"],
        );
    }

    #[test]
    fn debug_shows_no_value_of_any_type() {
        let code = generated("system/price-list", SYSTEM);
        for (name, path) in [
            ("GetPriceRequest", "GetPriceRequest"),
            ("Price", "Price"),
            ("Amount", "price::Amount"),
            ("State", "price::State"),
        ] {
            assert_holds(
                &code,
                &[
                    &format!("impl ::core::fmt::Debug for {path} {{"),
                    &format!("f.debug_struct(\"{name}\").finish_non_exhaustive()"),
                ],
            );
        }
        // What else derives it holds no message.
        let before_services = code
            .split("pubmodprice_list_service_client")
            .next()
            .unwrap();
        assert!(!before_services.contains("Debug"));
    }

    #[test]
    fn a_server_takes_only_what_its_contract_bounds() {
        let code = generated("system/price-list", SYSTEM);
        let server = code
            .split("pubmodprice_list_service_server")
            .nth(1)
            .unwrap();
        let client = code
            .split("pubmodprice_list_service_server")
            .next()
            .unwrap();
        assert!(server.contains("::strata_grpc::BoundedCodec") && !server.contains("ProstCodec"));
        assert!(client.contains("tonic_prost::ProstCodec") && !client.contains("BoundedCodec"));
        assert_holds(
            &code,
            &[
                "impl<T> ::strata_grpc::Server for PriceListServiceServer<T> { fn \
                 with_message_limit(self, bytes: usize) -> Self { \
                 self.max_decoding_message_size(bytes) } }",
                "impl ::strata_core::Bounded for GetPriceRequest { fn check(&self) -> \
                 ::core::result::Result<(), ::strata_core::Excess> { { let value = &self.sku; \
                 ::strata_core::bounded::Field::new(\"sku\", \"sku\").text(value, 1024u32)?; } \
                 ::core::result::Result::Ok(()) } fn resource(&self) -> \
                 ::core::option::Option<(&'static str, &str)> { \
                 ::core::option::Option::Some((\"sku\", self.sku.as_str())) } }",
            ],
        );
        // No request holds it.
        assert!(!code.contains("Boundedfor Price".replace(' ', "").as_str()));
    }

    #[test]
    fn every_value_of_a_request_is_bounded() {
        let field = |name: &str, number: u32, extra: &str| {
            format!(
                "{name} = {number} [(strata.options.v1.field) = {{sensitivity: PUBLIC{extra}}}];"
            )
        };
        let request = [
            field("optional bytes seal", 2, ", max_length: 32"),
            field("repeated string codes", 3, ", max_length: 8, max_items: 5"),
            field("map<string, Part> parts", 4, ""),
            field("repeated int32 counts", 5, ", max_items: 7"),
            format!(
                "oneof choice {{ {} Part part = 7; }}",
                field("string words", 6, "")
            ),
            "repeated Part more = 8;".to_owned(),
            field("google.protobuf.Timestamp at", 9, ""),
        ];
        let part = "message Part { Part inner = 1; }";
        let proto = SYSTEM.replace(
            "message GetPriceRequest {",
            &format!("{part}\nmessage GetPriceRequest {{ {}", request.concat()),
        );
        let code = generated("system/price-list", &proto);
        let named =
            |name: &str| format!("::strata_core::bounded::Field::new(\"{name}\", \"{name}\")");
        let (seal, codes, parts, counts) = (
            named("seal"),
            named("codes"),
            named("parts"),
            named("counts"),
        );
        let (words, part, more, inner) =
            (named("words"), named("part"), named("more"), named("inner"));
        let some = "::core::option::Option::Some";
        assert_holds(
            &code,
            &[
                &format!("if let {some}(value) = &self.seal {{ {seal}.bytes(value, 32u32)?; }}"),
                &format!(
                    "{codes}.items(self.codes.len(), 5u32)?; for (at, value) in \
                     self.codes.iter().enumerate() {{ {codes}.at(at).text(value, 8u32)?; }}"
                ),
                &format!(
                    "{parts}.items(self.parts.len(), 1000u32)?; for (key, value) in &self.parts {{ \
                     {parts}.text(key, 1024u32)?; {parts}.message(value)?; }}"
                ),
                &format!("{counts}.items(self.counts.len(), 7u32)?;"),
                &format!(
                    "match &self.choice {{ {some}(get_price_request::Choice::Words(value)) => {{ \
                     {words}.text(value, 1024u32)?; }} {some}(get_price_request::Choice::Part(value)) \
                     => {{ {part}.message(value)?; }} _ => {{}} }}"
                ),
                &format!("{more}.at(at).message(value)?;"),
                &format!("if let {some}(value) = &self.inner {{ {inner}.message(value)?; }}"),
            ],
        );
        assert!(!code.contains("&self.at"));
    }

    #[test]
    fn a_route_states_where_each_field_comes_from() {
        let code = generated("experience/desk", EXPERIENCE);
        assert_holds(
            &code,
            &[
                "pub fn routes<S: DeskService>( service: S, ) -> \
                 ::strata_rest::Routes<super::DeskContract>",
                "let routes = ::strata_rest::Routes::new(1u16, OPENAPI);",
                "impl ::strata_core::Contract for DeskContract {",
                "&[v1::GET_TICKET, v1::PUT_TICKET]",
                "path: &[ ::strata_rest::Parameter { json: \"ticketId\", proto: \"ticket_id\", \
                 kind: ::strata_rest::Kind::Text, repeated: false, }, ], query: &[ \
                 ::strata_rest::Parameter { json: \"asOf\", proto: \"as_of\", kind: \
                 ::strata_rest::Kind::Timestamp, repeated: false, }, ::strata_rest::Parameter { \
                 json: \"tags\", proto: \"tags\", kind: ::strata_rest::Kind::Text, repeated: \
                 true, }, ], body: ::strata_rest::BodyBinding::None",
                "body: ::strata_rest::BodyBinding::Field(\"ticket\"), fields: &[ \
                 (\"ticket_id\", \"ticketId\"), (\"ticket\", \"ticket\")], deprecation: \
                 ::core::option::Option::None",
                "<S as DeskService>::put_ticket(&api, call, request).await",
                "impl<'de> serde::Deserialize<'de> for PutTicketRequest",
            ],
        );
        assert!(!code.contains("tonic"));
    }
}
