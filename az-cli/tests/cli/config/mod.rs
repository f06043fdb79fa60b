//! The configuration: its files, its layers, and `az config`.

mod broken;
mod cases;
mod commands;
mod edit;
mod keys;
mod layers;
mod mutated;
mod set;
mod trust;
