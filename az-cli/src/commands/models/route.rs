//! `az models route`.

use std::path::PathBuf;
use std::process::ExitCode;

use az_ai::chat::{ChatRequest, DEFAULT_MAX_TOKENS, ToolDefinition};
use az_ai::estimate;
use az_ai::resolver::{ModelResolver, Needs, ResolvedModel, Wanted};
use az_ai::routing::{Origin, Route, RoutingEngine, Standing, Step, Verdict};
use az_core::{TaskPriority, Toolbox, Usd};
use clap::Args;
use serde::Serialize;

use crate::error::CliError;
use crate::models::{read_rules, to_cli};
use crate::output::Printer;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az models route \"write a function isPrime\"
  az models route \"why is the sky blue?\" --tokens 900 --priority urgent
  az models route \"describe this picture\" --needs vision --rules rules.toml
  az models route \"hello\" --json | jq .candidates

It is the decision of `az task run`: a model that is named, there or by AZ_MODEL or llm.model, stands
before the rules. The rules are those of the configuration, or of --rules; docs/routing.md says how
they are written. No model is asked anything, and nothing is spent.";

/// Explain which model would be asked, rule by rule
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RouteArgs {
    /// The task
    #[arg(required = true, value_name = "TASK")]
    text: Vec<String>,
    /// Rules to try instead of the configured ones: a TOML or JSON file
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// About how many tokens will be sent [default: estimated, with the tools]
    #[arg(long, value_name = "N")]
    tokens: Option<u64>,
    /// How many tokens the reply may have
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_TOKENS)]
    max_tokens: u32,
    /// How soon it should run: low, medium, high, urgent
    #[arg(long, short, default_value = "medium")]
    priority: TaskPriority,
    /// The model that is named, if one is
    #[arg(long, short, value_name = "NAME")]
    model: Option<String>,
    /// What the model has to be able to do, separated by commas: vision, format
    #[arg(long, value_delimiter = ',', value_name = "FEATURES", value_parser = ["vision", "format"])]
    needs: Vec<String>,
    /// What the tightest budget has left, in US dollars
    #[arg(long, value_name = "DOLLARS", allow_negative_numbers = true, value_parser = left)]
    budget_left: Option<Usd>,
}

/// A decision as programs get it.
#[derive(Debug, Serialize)]
struct Explained {
    candidates: Vec<Candidate>,
    steps: Vec<Explanation>,
}

#[derive(Debug, Serialize)]
struct Candidate {
    name: String,
    provider: String,
    model: String,
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
struct Explanation {
    rule: Option<String>,
    name: String,
    verdict: &'static str,
    saw: Vec<String>,
    standing: Option<String>,
    reason: Option<String>,
}

/// Explains.
///
/// # Errors
///
/// Rules that make no sense, a model that nobody knows, or that nobody can be asked.
pub(super) async fn run(args: &RouteArgs, services: &Services) -> Result<ExitCode, CliError> {
    let models = services.models()?;
    let printer = services.printer();
    let (router, named) = match &args.rules {
        Some(path) => (models.routing_by(read_rules("--rules", path)?)?, args.model.clone()),
        None => {
            let choice = models.choose(args.model.as_deref()).await?;
            printer.say(&choice.in_words());
            (models.router()?, (!choice.is_auto()).then_some(choice.name))
        }
    };
    let text = args.text.join(" ");
    let wanted = Wanted {
        model: named.as_deref(),
        text: &text,
        priority: args.priority,
        tokens: match args.tokens {
            Some(tokens) => tokens,
            None => tokens(&text, services)?,
        },
        max_tokens: args.max_tokens,
        needs: Needs {
            tools: true,
            images: args.needs.iter().any(|need| need == "vision"),
            format: args.needs.iter().any(|need| need == "format"),
        },
        budget_left: args.budget_left,
    };
    let explained = match named.as_deref() {
        Some(name) if !models.is_routed(name) => {
            alone(name, &models.resolve(named.as_deref()).map_err(to_cli)?)
        }
        _ => explained(&router.route(&wanted).map_err(to_cli)?),
    };
    if printer.is_json() {
        printer.json(&explained)?;
    } else {
        printer.out(&in_words(&explained, &wanted, printer))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads what a budget has left.
fn left(text: &str) -> Result<Usd, String> {
    match text.parse::<Usd>() {
        Ok(left) if left.is_negative() => Err("a budget has nothing left at 0".to_owned()),
        Ok(left) => Ok(left),
        Err(error) => Err(error.to_string()),
    }
}

/// Explains that a model which rules have no say in is asked, and nobody after it.
fn alone(name: &str, model: &ResolvedModel) -> Explained {
    let candidate = Candidate {
        name: name.to_owned(),
        provider: model.client.provider().to_owned(),
        model: model.model.clone(),
        reason: None,
    };
    let step = Explanation {
        rule: None,
        name: name.to_owned(),
        verdict: "holds",
        saw: Vec::new(),
        standing: Some("asked first".to_owned()),
        reason: Some("it is named".to_owned()),
    };
    Explained { candidates: vec![candidate], steps: vec![step] }
}

/// Returns about how many tokens a task's first request has: what is asked, and the tools.
fn tokens(text: &str, services: &Services) -> Result<u64, CliError> {
    let tools = services.toolbox()?.specs();
    let tools: Vec<_> = tools.iter().map(ToolDefinition::from).collect();
    Ok(estimate::tokens(&ChatRequest::prompt("", text).with_tools(tools)))
}

fn explained(route: &Route) -> Explained {
    let candidates = route.candidates.iter().map(|choice| Candidate {
        name: choice.name.to_string(),
        provider: choice.model.client.provider().to_owned(),
        model: choice.model.model.clone(),
        reason: choice.reason.clone(),
    });
    let candidates: Vec<_> = candidates.collect();
    let first = candidates.first().map(|first| first.name.clone()).unwrap_or_default();
    let steps = route.steps.iter().map(|step| explanation(step, &first));
    Explained { steps: steps.collect(), candidates }
}

fn explanation(step: &Step, first: &str) -> Explanation {
    let (rule, reason) = match &step.origin {
        Origin::Named => (None, Some("it is named".to_owned())),
        Origin::Default => (None, Some("it is the default".to_owned())),
        Origin::Rule(rule) => {
            let reason = Some(rule.reason.clone()).filter(|reason| !reason.is_empty());
            (Some(rule.condition.clone()), reason)
        }
    };
    let verdict = match &step.verdict {
        Verdict::Held => "holds",
        Verdict::NotHeld => "does not hold",
        Verdict::Failed(_) => "fails",
        Verdict::NotReached => "not needed",
    };
    let failed = match &step.verdict {
        Verdict::Failed(why) => Some(why.clone()),
        Verdict::Held | Verdict::NotHeld | Verdict::NotReached => None,
    };
    let standing = step.standing.as_ref().map(|standing| match standing {
        Standing::Candidate if *step.name == *first => "asked first".to_owned(),
        Standing::Candidate => "asked when those before it fail".to_owned(),
        Standing::Already => "a candidate already".to_owned(),
        Standing::PassedOver(obstacle) => format!("passed over: {obstacle}"),
        Standing::InSpiteOf(obstacle) => format!("asked, although {obstacle}"),
    });
    Explanation {
        rule,
        name: step.name.to_string(),
        verdict,
        saw: step
            .saw
            .iter()
            .map(|(variable, fact)| format!("{} = {fact}", variable.name()))
            .collect(),
        standing: standing.or(failed),
        reason,
    }
}

fn in_words(explained: &Explained, wanted: &Wanted<'_>, printer: &Printer) -> String {
    let s = printer.out_style();
    let mut text = format!("about {} tokens are sent\n", wanted.tokens);
    for step in &explained.steps {
        let mark = match (step.verdict, step.standing.as_deref()) {
            ("holds", Some(standing)) if standing.starts_with("asked") => s.green("✓"),
            ("holds", Some(standing)) if standing.starts_with("a candidate") => s.dim("·"),
            ("holds", _) => s.yellow("!"),
            ("fails", _) => s.red("✗"),
            _ => s.dim("·"),
        };
        let what = step.rule.as_deref().or(step.reason.as_deref()).unwrap_or_default();
        text.push_str(&format!("  {mark} {what} → {}: {}", step.name, step.verdict));
        if !step.saw.is_empty() {
            text.push_str(&s.dim(&format!(" ({})", step.saw.join(", "))));
        }
        if let Some(standing) = &step.standing {
            text.push_str(&format!("; {standing}"));
        }
        text.push('\n');
    }
    let names = explained
        .candidates
        .iter()
        .map(|candidate| format!("{} ({})", s.bold(&candidate.name), candidate.model));
    text.push_str(&names.collect::<Vec<_>>().join(", then "));
    let reason = explained.candidates.first().and_then(|first| first.reason.as_deref());
    match reason {
        Some(reason) => text.push_str(&format!(": {reason}\n")),
        None => text.push('\n'),
    }
    text
}
