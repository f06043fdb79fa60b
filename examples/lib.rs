//! Small programs that embed AZ-OS; `cargo run -p az-examples --example NAME` runs one.
