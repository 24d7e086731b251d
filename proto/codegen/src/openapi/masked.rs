//! What an answer says of what its reader may not see.

use serde_json::{Value, json};

use crate::options::Mask;

/// The name of its schema: no message of a contract can have it.
pub(super) const SCHEMA: &str = "strata.Masked";

/// The member `strata_rest` adds to an answer.
pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "description": "What every answer can hold besides its own members.",
        "properties": {
            "masked": {
                "type": "array",
                "description": "The members the user may not see, each by its path from the answer's \
                                root and sorted; a path through a list means every item of it. Their \
                                values are masked, as `x-strata-label` of each says, or empty, whether \
                                there are any or not. Left out when nothing is masked.",
                "items": {"type": "string"},
                "minItems": 1,
                "uniqueItems": true,
                "examples": [["profile.address.street", "profile.email"]]
            }
        }
    })
}

/// What is shown of a value to a user who may not see it; none says nothing.
pub(super) const fn shown(mask: Mask) -> Option<&'static str> {
    match mask {
        Mask::Unspecified => None,
        Mask::LastFour => Some("the last four characters"),
        Mask::Initial => Some("the first character"),
        Mask::Domain => Some("the domain of the address"),
        Mask::Year => Some("the year"),
        Mask::Area => Some("the area of the postal code"),
        Mask::Token => Some("a token, the same for the same value"),
    }
}
