//! Serializes an [`Arc`] as the value in it, for `#[serde(with = "az_core::serde_arc")]`.
//!
//! Replaces serde's `rc` feature, which would apply to every type of the program.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Serializes the value.
///
/// # Errors
///
/// The serializer's.
pub fn serialize<T, S>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Serialize + ?Sized,
    S: Serializer,
{
    T::serialize(value, serializer)
}

/// Deserializes a value into an [`Arc`] of its own.
///
/// # Errors
///
/// The deserializer's.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Arc<T>, D::Error>
where
    T: ?Sized,
    Box<T>: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Box::deserialize(deserializer).map(Arc::from)
}
