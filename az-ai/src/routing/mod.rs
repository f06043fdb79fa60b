//! Chooses the model for a request and its fallbacks, by rules.

mod check;
mod classifier;
mod cooldown;
mod draft;
mod engine;
mod integration;
mod keywords;
mod load;
mod problem;
mod route;
mod router;
mod rules;
mod variables;

pub use classifier::{Complexity, ComplexityClassifier, KeywordClassifier};
pub use cooldown::Cooldowns;
pub use engine::{RoutingEngine, RoutingEngineExt};
pub use integration::LlmIntegration;
pub use load::{locate_rules, parse_rules};
pub use problem::{Problem, ProblemLocation, RulesError};
pub use route::{CandidateStatus, Choice, Obstacle, Origin, Route, RuleOutcome, Step};
pub use router::RuleRouter;
pub use variables::{Variable, VariableValue};
