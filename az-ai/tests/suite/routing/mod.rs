//! Routing: by rules, by a custom engine, and by saboteurs.

mod design_rules;
mod execute;
mod explained;
mod load;
mod plain;
mod router;
mod saboteurs;
