//! What generated gRPC servers stand on.
//!
//! - `codec`: a request is decoded and checked against the limits of its contract and the clearance of
//!   its sender, or refused; an answer is masked to whoever gets it;
//! - `server`: what the stack asks of every generated server;
//! - `status`: errors as gRPC statuses with google.rpc.ErrorInfo.

mod codec;
mod server;
mod status;

pub use codec::BoundedCodec;
pub use server::Server;
pub use status::{into_status, into_status_with_wait};
