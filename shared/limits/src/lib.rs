//! How much anybody may take. [`Buckets`] bound the rate of any number of identities within a fixed
//! amount of memory. A [`Quota`] bounds what one consumer takes in a window, in this process or, over
//! [`Redis`], in all replicas together.
//!
//! There is no way to ask for more than a limit, and none without one: a limit that cannot be asked
//! is replaced by a stricter one of this process.

mod buckets;
mod quota;
mod redis;
mod refused;
mod store;

pub use buckets::{Bucket, Buckets};
pub use quota::{Left, Quota};
pub use redis::{Redis, RedisError};
pub use refused::Refused;
