//! `az models route`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use az_ai::chat::{ChatRequest, ToolDefinition};
use az_ai::estimate;
use az_ai::model_name::ModelName;
use az_ai::resolver::{ModelResolver, Requirements, ResolvedModel, RoutingQuery};
use az_ai::routing::{CandidateStatus, Choice, Origin, Route, RoutingEngine, RuleOutcome, Step};
use az_core::{TaskPriority, Toolbox, Usd};
use clap::Args;

use crate::commands::one_of;
use crate::error::CliError;
use crate::models::{read_rules, to_cli};
use crate::output::{Format, FormatArgs, csv, route_in_words};
use crate::services::Services;
use crate::views::RouteView;

const EXAMPLES: &str = "\
Examples:
  az models route \"write a function isPrime\"
  az models route \"why is the sky blue?\" --tokens 900 --priority urgent
  az models route \"describe this picture\" --needs vision --rules rules.toml
  az models route \"hello\" --json | jq .candidates

The decision is that of `az task run`: a model that is requested by --model, AZ_MODEL or
llm.model goes before the rules. The rules are those of the configuration, or of --rules.
No model is called, and nothing is spent. With --format csv it prints the candidates, one per line.

A file of rules is a list, evaluated in order; the last rule has the condition \"fallback\":
  [[routing_rules]]
  condition = \"tokens < 500\"
  provider = \"claude\"
  reason = \"short prompts\"";

/// Explain which model would be called, rule by rule
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RouteArgs {
    /// Prompt of the task
    #[arg(required = true, value_name = "TASK")]
    text: Vec<String>,
    /// Use the routing rules of this TOML or JSON file (see below) instead of the configured ones
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Assume this many tokens in the prompt [default: estimated]
    #[arg(long, value_name = "N")]
    tokens: Option<u64>,
    /// Assume this many tokens in the whole request [default: estimated, with all tools]
    #[arg(long, value_name = "N")]
    request_tokens: Option<u64>,
    /// Limit the reply to this many tokens [default: llm.max_tokens, else 4096]
    #[arg(long, value_name = "N")]
    max_tokens: Option<u32>,
    /// Assume this priority
    #[arg(long, short, default_value = "medium", value_parser = one_of::priority())]
    priority: TaskPriority,
    /// Request this model
    #[arg(long, short, value_name = "NAME")]
    model: Option<String>,
    /// Require these features, separated by commas: vision, format
    #[arg(long, value_delimiter = ',', value_name = "FEATURES", value_parser = ["vision", "format"])]
    needs: Vec<String>,
    /// Assume that the tightest budget has this many US dollars left
    #[arg(long, value_name = "DOLLARS", allow_negative_numbers = true, value_parser = left)]
    budget_left: Option<Usd>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Explains the decision.
///
/// # Errors
///
/// Invalid rules, an unknown model, or no usable model.
pub(super) async fn run(args: &RouteArgs, services: &Services) -> Result<ExitCode, CliError> {
    let models = services.models()?;
    let printer = services.printer();
    let requested = "requested by --model".to_owned();
    let (connected, named, why) = match &args.rules {
        Some(path) => {
            let connected = models.connected_by(read_rules("--rules", path)?)?;
            let is_auto = |name: &str| name.parse() == Ok(ModelName::Auto);
            let named = args.model.clone().filter(|name| !is_auto(name));
            (Arc::new(connected), named, requested)
        }
        None => {
            let choice = models.choose(args.model.as_deref()).await?;
            printer.say(&choice.in_words());
            let why = if args.model.is_some() { requested } else { choice.why().to_owned() };
            (models.connected()?, (!choice.is_auto()).then_some(choice.name), why)
        }
    };
    let text = args.text.join(" ");
    let query = query(args, (&text, named.as_deref()), services)?;
    let route = match query.model {
        Some(name) if !connected.is_routed(name) => {
            unrouted(name, connected.resolve(query.model).map_err(to_cli)?)
        }
        _ => connected.router().route(&query).map_err(to_cli)?,
    };
    let view = RouteView::new(&query, &route, &why);
    match args.format.choose(printer) {
        Format::Json => printer.json(&view)?,
        Format::Csv => printer.out(&csv(&view.candidates)?)?,
        Format::Table => printer.out(&route_in_words(&view, printer.out_style()))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the query of the task's first step.
fn query<'a>(
    args: &RouteArgs,
    (text, named): (&'a str, Option<&'a str>),
    services: &Services,
) -> Result<RoutingQuery<'a>, CliError> {
    let needs = |feature: &str| args.needs.iter().any(|need| need == feature);
    let requirements =
        Requirements { tools: true, images: needs("vision"), format: needs("format") };
    let query = RoutingQuery::new(text)
        .with_model(named)
        .with_priority(args.priority)
        .with_max_tokens(args.max_tokens.unwrap_or_else(|| services.max_tokens()))
        .with_requirements(requirements)
        .with_budget_left(args.budget_left)
        .with_request_tokens(request_tokens(text, services)?)
        .with_prompt_tokens(args.tokens.unwrap_or_default());
    Ok(match args.request_tokens {
        Some(tokens) => query.with_request_tokens(tokens),
        None => query,
    })
}

/// Parses what a budget has left.
fn left(text: &str) -> Result<Usd, String> {
    match text.parse::<Usd>() {
        Ok(left) if left.is_negative() => {
            Err("invalid amount: must not be negative; a budget that is used up has 0 left"
                .to_owned())
        }
        Ok(left) => Ok(left),
        Err(error) => Err(error.to_string()),
    }
}

/// Returns the route to a requested model that rules do not apply to.
fn unrouted(name: &str, model: ResolvedModel) -> Route {
    let step = Step {
        origin: Origin::Named,
        name: name.into(),
        outcome: RuleOutcome::Held,
        inputs: Vec::new(),
        status: Some(CandidateStatus::Candidate),
    };
    let choice = Choice { name: name.into(), model, reason: None };
    Route { candidates: vec![choice], steps: vec![step] }
}

/// Estimates the tokens of a task's first request: its prompt and all tools.
fn request_tokens(text: &str, services: &Services) -> Result<u64, CliError> {
    let tools = services.toolbox()?.specs();
    let tools: Vec<_> = tools.iter().map(ToolDefinition::from).collect();
    Ok(estimate::tokens(&ChatRequest::prompt("", text).with_tools(tools)))
}
