//! The contracts, each scenario with a file of its own, which every handle opens again.

use crate::support::Home;

mod task_repository {
    az_core::task_repository_conformance! { make: super::Home::new, skips: [] }
}

mod task_queue {
    az_core::task_queue_conformance! { make: super::Home::new, skips: [] }
}

mod journal {
    az_core::journal_conformance! { make: super::Home::new, skips: [] }
}

mod lease_anchors {
    az_core::lease_anchors_conformance! { make: super::Home::new, skips: [] }
}

mod ledger {
    az_core::ledger_conformance! { make: super::Home::new, skips: [] }
}

mod store {
    az_core::store_conformance! { make: super::Home::new, skips: [] }
}

mod store_admin {
    az_core::store_admin_conformance! { make: super::Home::new, skips: [] }
}

mod store_factory {
    az_core::store_factory_conformance! { make: super::Home::new, skips: [] }
}

mod state_manager {
    az_core::state_manager_conformance! { make: super::Home::new, skips: [] }
}

mod config_manager {
    az_core::config_manager_conformance! { make: super::Home::new, skips: [] }
}

mod command_log {
    az_core::command_log_conformance! { make: super::Home::new, skips: [] }
}

mod hint_queue {
    az_core::hint_queue_conformance! { make: super::Home::new, skips: [] }
}

mod log_store {
    az_core::log_store_conformance! { make: super::Home::new, skips: [] }
}
