//! Routing: by rules, by a router of one's own, and by routers that break their word.

mod design_rules;
mod execute;
mod explained;
mod load;
mod plain;
mod router;
mod saboteurs;
