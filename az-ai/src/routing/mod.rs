//! Who is asked, and who is asked when that one fails: rules over what is known of a request.

mod check;
mod classifier;
mod cooldown;
mod draft;
mod engine;
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
pub use load::{locate_rules, parse_rules};
pub use problem::{Problem, RulesError, Where};
pub use route::{Choice, Obstacle, Origin, Route, Standing, Step, Verdict};
pub use router::RuleRouter;
pub use variables::{Fact, Variable};
