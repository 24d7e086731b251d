//! What generated Experience routers stand on.
//!
//! - `route`: a method's route as the generated code states it;
//! - `routes`: a contract's routes, which become an axum router;
//! - `bind`: path, query and body bound to the request message, over `source`;
//! - `answer`: one request through binding, handler and JSON;
//! - `messages`: an answer of many messages, as lines of JSON;
//! - `problem`: errors as problem details (RFC 9457);
//! - `status`: what an upstream's gRPC status means to this service's own client.

mod answer;
mod bind;
#[cfg(test)]
mod fixture;
mod messages;
mod problem;
mod route;
mod routes;
mod source;
mod status;

pub use messages::Messages;
pub use problem::{FieldError, Problem};
pub use route::{BodyBinding, Deprecation, Kind, Parameter, Route, Sunset, Verb};
pub use routes::Routes;
pub use status::from_status;
