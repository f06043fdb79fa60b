//! az-data
