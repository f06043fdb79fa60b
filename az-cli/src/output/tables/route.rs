//! Routing decisions.

use std::fmt::Write;

use az_core::text::plural;

use crate::output::{Style, printable};
use crate::views::{RouteCandidateView, RouteStepView, RouteView, StepHealthView, StepOutcomeView};

/// Returns the explanation of a route: a line for each step, then the candidates.
pub fn route_in_words(route: &RouteView, style: Style) -> String {
    let RouteView { prompt_tokens, request_tokens, .. } = route;
    let prompt = plural(*prompt_tokens, "token");
    let mut text = format!("about {prompt} in the prompt, {request_tokens} sent\n");
    for step in &route.steps {
        write_step(step, &mut text, style);
    }
    let names = route.candidates.iter().map(|candidate| candidate_in_words(candidate, style));
    text.push_str(&names.collect::<Vec<_>>().join(", then "));
    let reason = route.candidates.first().and_then(|first| first.reason.as_deref());
    text.push_str(&reason.map_or_else(String::new, |reason| format!(": {}", printable(reason))));
    text.push('\n');
    text
}

fn candidate_in_words(candidate: &RouteCandidateView, style: Style) -> String {
    let name = style.bold(&printable(&candidate.name));
    if candidate.name == candidate.model {
        return name;
    }
    format!("{name} ({})", printable(&candidate.model))
}

fn write_step(step: &RouteStepView, text: &mut String, style: Style) {
    use StepHealthView::{AlreadyConsidered, Excluded, Fallback, First, LastResort};
    use StepOutcomeView::{DoesNotHold, Fails, Holds, NotEvaluated};
    let mark = match (step.outcome, step.health) {
        (Holds, Some(First | Fallback | LastResort)) => style.green("✓"),
        (Holds, Some(Excluded) | None) => style.yellow("!"),
        (Fails, _) => style.red("✗"),
        (Holds, Some(AlreadyConsidered)) | (DoesNotHold | NotEvaluated, _) => style.dim("·"),
    };
    let what = step.rule.as_deref().or(step.reason.as_deref()).unwrap_or_default();
    // Writing to a string cannot fail.
    write!(text, "  {mark} {} → {}", printable(what), printable(&step.name)).ok();
    let mut parts = Vec::new();
    // What is considered without a rule has no condition that could hold.
    if step.rule.is_some() {
        let inputs = match step.inputs.as_slice() {
            [] => String::new(),
            inputs => style.dim(&printable(&format!(" ({})", inputs.join(", ")))),
        };
        parts.push(format!("{}{inputs}", outcome_in_words(step.outcome)));
    }
    let health = step.health.map(|health| health_in_words(health).to_owned());
    let health = [health, step.detail.clone()].into_iter().flatten().collect::<Vec<_>>();
    if !health.is_empty() {
        parts.push(printable(&health.join(": ")));
    }
    writeln!(text, ": {}", parts.join("; ")).ok();
}

const fn outcome_in_words(outcome: StepOutcomeView) -> &'static str {
    match outcome {
        StepOutcomeView::Holds => "holds",
        StepOutcomeView::DoesNotHold => "does not hold",
        StepOutcomeView::Fails => "fails",
        StepOutcomeView::NotEvaluated => "not evaluated",
    }
}

const fn health_in_words(health: StepHealthView) -> &'static str {
    match health {
        StepHealthView::First => "called first",
        StepHealthView::Fallback => "called if the models before it fail",
        StepHealthView::AlreadyConsidered => "considered already",
        StepHealthView::Excluded => "excluded",
        StepHealthView::LastResort => "called as a last resort",
    }
}
