//! Candidates that do not come from a router.

use std::sync::Arc;

use crate::client::LlmClient;
use crate::error::{Error, Result};
use crate::resolver::{Candidate, ModelResolver, ResolvedModel, RoutingQuery};

/// The models of one client, by the client's own names.
#[derive(Debug)]
pub(super) struct OneClient(pub(super) Arc<dyn LlmClient>);

impl ModelResolver for OneClient {
    fn resolve(&self, model: Option<&str>) -> Result<ResolvedModel> {
        let model = model.unwrap_or_default().to_owned();
        Ok(ResolvedModel { client: Arc::clone(&self.0), model })
    }
}

/// The same candidates for every name.
#[derive(Debug)]
pub(super) struct FixedCandidates(pub(super) Vec<ResolvedModel>);

impl ModelResolver for FixedCandidates {
    fn resolve(&self, _model: Option<&str>) -> Result<ResolvedModel> {
        self.0.first().cloned().ok_or_else(|| Error::Setup {
            provider: "dispatch".to_owned(),
            reason: "there are no candidates".to_owned(),
        })
    }

    fn candidates(&self, query: &RoutingQuery<'_>) -> Result<Vec<Candidate>> {
        self.resolve(query.model)?;
        let all = self.0.iter().cloned();
        Ok(all.map(Candidate::new).collect())
    }
}
