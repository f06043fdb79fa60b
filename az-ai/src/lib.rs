//! az-ai
