//! What an attacker from outside sends to one server: connections that are counted and paced, frames and
//! bytes that no honest client sends, and tokens made from one that is honest.

mod frame;
mod hello;
mod target;
mod token;

pub use frame::{Frame, PREFACE, field};
pub use hello::client_hello;
pub use strata_net::Visit;
pub use target::{Bounds, HTTP_1_1, HTTP_2, Said, Target};
pub use token::{Forged, Held};
