//! The models of the table that a router may use for a call.

use super::model::ModelPrices;
use super::names::{candidates, passed_through};
use super::table::Table;

/// The router among the known providers. It chooses a host for each call, and hosts differ in price.
const ROUTER: &str = "openrouter";

/// The router's model that stands for any of its models.
const ANY_MODEL: [&str; 2] = ["openrouter/auto", "auto"];

/// Finds a model in the table. A router's model without prices of its own has those of its vendor,
/// unless it is a free one.
pub(super) fn bundled(provider: &str, model: &str) -> Option<&'static ModelPrices> {
    let table = Table::get();
    let names = candidates(provider, model);
    if provider == ROUTER && model.ends_with(":free") {
        return table.find("ollama", "*");
    }
    names
        .iter()
        .find_map(|name| table.find(provider, name))
        .or_else(|| if provider == ROUTER { of_vendor(model) } else { None })
}

/// Returns the models whose prices a call may have: for a router's model the router's own, its
/// vendor's, and those of the other hosts in the table; otherwise the model itself.
///
/// The table has one price for each of a router's models, which is that of its usual host.
pub(super) fn upstreams(provider: &str, model: &str) -> Vec<&'static ModelPrices> {
    let table = Table::get();
    if provider != ROUTER || model.ends_with(":free") {
        return bundled(provider, model).into_iter().collect();
    }
    if ANY_MODEL.contains(&model.to_lowercase().as_str()) {
        let of_router = |prices: &&ModelPrices| prices.provider == ROUTER;
        return table.models.iter().filter(of_router).collect();
    }
    let names = candidates(provider, model);
    let is_it = |prices: &&ModelPrices| names.iter().any(|name| *name == prices.model);
    let hosts = table.models.iter().filter(is_it);
    bundled(provider, model).into_iter().chain(of_vendor(model)).chain(hosts).collect()
}

/// Finds the model of a vendor that a router's model, `VENDOR/MODEL`, stands for.
fn of_vendor(model: &str) -> Option<&'static ModelPrices> {
    let name = model.to_lowercase();
    let (vendor, model) = passed_through(&name)?;
    let names = candidates(&vendor, model);
    names.iter().find_map(|name| Table::get().find(&vendor, name))
}

#[cfg(test)]
mod tests {
    use super::upstreams;

    #[test]
    fn a_routers_model_may_run_on_every_host_that_has_it() {
        let hosts = |provider: &str, model: &str| {
            let mut hosts: Vec<_> =
                upstreams(provider, model).iter().map(|model| &*model.provider).collect();
            hosts.sort_unstable();
            hosts.dedup();
            hosts
        };
        let all = ["groq", "openai", "openrouter", "together"];
        for model in ["openai/gpt-oss-120b", "OpenAI/gpt-oss-120b", "openai/gpt-oss-120b:nitro"] {
            assert_eq!(hosts("openrouter", model), all, "{model}");
        }
        assert_eq!(hosts("openrouter", "openai/gpt-oss-120b:free"), ["ollama"]);
        assert_eq!(hosts("groq", "openai/gpt-oss-120b"), ["groq"]);
        assert_eq!(hosts("openrouter", "openrouter/auto"), ["openrouter"]);
        assert!(upstreams("openrouter", "openrouter/auto").len() > 100);
        assert!(upstreams("openrouter", "no/such-model").is_empty());
    }
}
