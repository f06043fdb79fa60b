//! Tool definitions, shared between steps and between runs.

use std::sync::{Arc, Mutex, PoisonError};

use az_core::ToolSpec;
use az_core::tool::sent_tools;

use crate::chat::ToolDefinition;

/// A cache of the last definitions and their source.
///
/// Thousands of runs send the same tools in every step: as long as a toolbox returns the same
/// slice, all of their requests share one list of definitions.
#[derive(Debug, Clone, Default)]
pub(super) struct OfferedTools(Arc<Mutex<Option<Offer>>>);

#[derive(Debug)]
struct Offer {
    specs: Arc<[ToolSpec]>,
    definitions: Arc<[ToolDefinition]>,
}

impl OfferedTools {
    /// Returns the definitions of those of these tools that are sent to the model.
    pub(super) fn of(&self, specs: Arc<[ToolSpec]>) -> Arc<[ToolDefinition]> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(offer) = last.as_ref().filter(|offer| Arc::ptr_eq(&offer.specs, &specs)) {
            return Arc::clone(&offer.definitions);
        }
        let definitions: Arc<[_]> = sent_tools(&specs).map(ToolDefinition::from).collect();
        *last = Some(Offer { specs, definitions: Arc::clone(&definitions) });
        definitions
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use az_core::testing::{FakeTool, FakeToolbox};
    use az_core::tool::Toolbox;

    use super::OfferedTools;

    #[test]
    fn definitions_are_shared_until_the_tools_change() {
        let offered = OfferedTools::default();
        let tools = FakeToolbox::new().with(FakeTool::new("look"));
        let first = offered.of(tools.specs());
        assert!(Arc::ptr_eq(&first, &offered.of(tools.clone().specs())));
        assert!(Arc::ptr_eq(&first[0].schema, &tools.specs()[0].input_schema));
        let more = tools.with(FakeTool::new("put"));
        let names: Vec<_> = offered.of(more.specs()).iter().map(|t| t.name.clone()).collect();
        assert_eq!(names, ["look", "put"]);
    }
}
