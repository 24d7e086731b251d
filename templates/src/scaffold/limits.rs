//! What a callee's contract says a request's values must be.

use prost_reflect::FieldDescriptor;

use super::contract::Annotations;

/// What the callee says a value of its request must be: it is passed on as it is, so the same holds.
pub(super) fn stated(annotations: &Annotations) -> Vec<String> {
    let mut limits = Vec::new();
    if annotations.flag("required") {
        limits.push("required: true".to_owned());
    }
    for name in ["pattern", "example"] {
        let text = annotations.text(name);
        if !text.is_empty() {
            limits.push(format!("{name}: {text:?}"));
        }
    }
    let maximum = annotations.count("maximum");
    if maximum > 0 {
        limits.push(format!("maximum: {maximum}"));
    }
    limits
}

/// That one of several fields must be there, of those that are passed on.
pub(super) fn any_of(fields: &[FieldDescriptor], passed: &[String]) -> Option<String> {
    let message = fields.first()?.parent_message().clone();
    let mut names = Annotations::of(&message.options(), "message").texts("any_of");
    names.retain(|name| passed.contains(name));
    (names.len() > 1).then(|| format!("{{any_of: {names:?}}}"))
}
