//! The conformance kit of [`Sandbox`](crate::sandbox::Sandbox), for implementations of one's own.

pub mod sandbox;

pub use sandbox::sandbox;
