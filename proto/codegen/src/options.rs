//! A typed view of the annotations: the messages of `strata/options/v1/options.proto` and
//! `google/api/http.proto`, generated from those files.

use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor,
};
use strata_core as core;

#[expect(
    unreachable_pub,
    clippy::enum_variant_names,
    reason = "prost makes everything public, and SPECIAL_CATEGORY is the contract's name for it"
)]
mod annotations {
    include!(concat!(env!("OUT_DIR"), "/strata.options.v1.rs"));
}

#[expect(unreachable_pub, reason = "prost makes everything public")]
mod http {
    include!(concat!(env!("OUT_DIR"), "/google.api.rs"));
}

pub(crate) use annotations::{
    Audit, BusinessValue, Category, Change, FieldAnnotations, Label, Layer, Mask,
    MessageAnnotations, MethodAnnotations, Sensitivity, ServiceAnnotations,
};
pub(crate) use http::{HttpRule, http_rule::Pattern};

/// Reads the annotations of one pool's descriptors. An annotation that is absent reads as its
/// default, which says nothing: every check then finds what is missing.
pub(crate) struct Options {
    field: Option<ExtensionDescriptor>,
    message: Option<ExtensionDescriptor>,
    method: Option<ExtensionDescriptor>,
    service: Option<ExtensionDescriptor>,
    http: Option<ExtensionDescriptor>,
}

impl Options {
    /// A reader for this pool.
    pub(crate) fn of(pool: &DescriptorPool) -> Self {
        Self {
            field: pool.get_extension_by_name("strata.options.v1.field"),
            message: pool.get_extension_by_name("strata.options.v1.message"),
            method: pool.get_extension_by_name("strata.options.v1.method"),
            service: pool.get_extension_by_name("strata.options.v1.service"),
            http: pool.get_extension_by_name("google.api.http"),
        }
    }

    pub(crate) fn field(&self, field: &FieldDescriptor) -> FieldAnnotations {
        read(&field.options(), self.field.as_ref()).unwrap_or_default()
    }

    pub(crate) fn message(&self, message: &MessageDescriptor) -> MessageAnnotations {
        read(&message.options(), self.message.as_ref()).unwrap_or_default()
    }

    pub(crate) fn method(&self, method: &MethodDescriptor) -> MethodAnnotations {
        read(&method.options(), self.method.as_ref()).unwrap_or_default()
    }

    pub(crate) fn service(&self, service: &ServiceDescriptor) -> ServiceAnnotations {
        read(&service.options(), self.service.as_ref()).unwrap_or_default()
    }

    /// The route, where the method has one.
    pub(crate) fn http(&self, method: &MethodDescriptor) -> Option<HttpRule> {
        read(&method.options(), self.http.as_ref())
    }
}

fn read<T: prost::Message + Default>(
    options: &DynamicMessage,
    extension: Option<&ExtensionDescriptor>,
) -> Option<T> {
    let extension = extension.filter(|extension| options.has_extension(extension))?;
    options
        .get_extension(extension)
        .as_message()?
        .transcode_to()
        .ok()
}

impl Label {
    /// The label it states. One without a sensitivity reads as the highest: the checks refuse it.
    pub(crate) fn read(&self) -> core::Label {
        let sensitivity = match self.sensitivity() {
            Sensitivity::Public => core::Sensitivity::Public,
            Sensitivity::Internal => core::Sensitivity::Internal,
            Sensitivity::Confidential => core::Sensitivity::Confidential,
            Sensitivity::Restricted | Sensitivity::Unspecified => core::Sensitivity::Restricted,
        };
        let categories: Vec<_> = self
            .categories()
            .filter_map(|category| match category {
                Category::Unspecified => None,
                Category::Personal => Some(core::Category::Personal),
                Category::SpecialCategory => Some(core::Category::SpecialCategory),
                Category::Payment => Some(core::Category::Payment),
                Category::Credential => Some(core::Category::Credential),
                Category::Location => Some(core::Category::Location),
                Category::Child => Some(core::Category::Child),
            })
            .collect();
        core::Label::new(sensitivity, &categories)
    }
}

impl Layer {
    /// The layer it names, if it names one.
    pub(crate) fn named(self) -> Option<core::Layer> {
        match self {
            Self::Unspecified => None,
            Self::System => Some(core::Layer::System),
            Self::Process => Some(core::Layer::Process),
            Self::Experience => Some(core::Layer::Experience),
        }
    }
}
