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

/// Serializes an optional [`Arc`], for `#[serde(with = "az_core::serde_arc::option")]`.
pub mod option {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Serializes the value, if there is one.
    ///
    /// # Errors
    ///
    /// The serializer's.
    pub fn serialize<T, S>(value: &Option<Arc<T>>, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: Serialize,
        S: Serializer,
    {
        value.as_deref().serialize(serializer)
    }

    /// Deserializes a value into an [`Arc`] of its own, if there is one.
    ///
    /// # Errors
    ///
    /// The deserializer's.
    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<Arc<T>>, D::Error>
    where
        T: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Option::deserialize(deserializer)?.map(Arc::new))
    }
}
