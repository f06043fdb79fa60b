//! az
