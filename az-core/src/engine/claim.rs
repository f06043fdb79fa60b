//! Claims of tasks by an engine.

use std::sync::Arc;

use super::engine::EngineContext;
use crate::clock::later;
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::task::{Claim, Claimed, LeaseFence, Moment};

/// The number of leases that are checked for workers that have ended.
const CHECKED_LEASES: usize = 64;

/// A claimed task, and the fence of its lease.
#[derive(Debug)]
pub(super) struct OwnedTask {
    pub(super) claimed: Claimed,
    pub(super) fence: LeaseFence,
}

/// A claim, and the moment from which the age of its lease counts.
struct Attempt {
    claim: Claim,
    sent: Moment,
}

/// Claims a task, also if its worker has ended.
pub(super) async fn claim_named(context: &EngineContext, id: &TaskId) -> Result<OwnedTask> {
    claim_as(context, id, |claim| claim).await
}

/// Claims a task that is in the queue, or whose worker has ended.
pub(super) async fn claim_queued(context: &EngineContext, id: &TaskId) -> Result<OwnedTask> {
    claim_as(context, id, Claim::if_queued).await
}

async fn claim_as(
    context: &EngineContext,
    id: &TaskId,
    condition: fn(Claim) -> Claim,
) -> Result<OwnedTask> {
    let Attempt { claim, sent } = attempt(context).await?;
    let claim = condition(claim.of(id.clone()));
    let claimed = match context.store.claim(&claim).await {
        Err(Error::LeaseHeld { owner, .. }) if context.liveness.is_gone(&owner) => {
            context.store.claim(&claim.presuming_dead(owner)).await
        }
        other => other,
    };
    let claimed = claimed?
        .ok_or_else(|| Error::Internal(format!("a claim of task {id} returned no task")))?;
    Ok(owned(context, claimed, sent))
}

/// Claims the next task; if none is waiting, one whose worker has ended.
pub(super) async fn claim_next(context: &EngineContext) -> Result<Option<OwnedTask>> {
    let Attempt { claim, sent } = attempt(context).await?;
    let mut claimed = context.store.claim(&claim).await?;
    if claimed.is_none() {
        let leases = context.store.leases_of_others(&claim.owner, CHECKED_LEASES).await?;
        let gone = leases.into_iter().find(|lease| context.liveness.is_gone(&lease.owner));
        if let Some(lease) = gone {
            claimed = context.store.claim(&claim.presuming_dead(lease.owner)).await?;
        }
    }
    Ok(claimed.map(|claimed| owned(context, claimed, sent)))
}

async fn attempt(context: &EngineContext) -> Result<Attempt> {
    let sent = Moment::now(&*context.clock);
    let lease_now = context.lease_clock.now().await?;
    let until = later(lease_now, context.options.lease);
    let claim = Claim::next(context.options.worker.clone(), context.clock.now(), until);
    Ok(Attempt { claim: claim.at_lease_time(lease_now), sent })
}

fn owned(context: &EngineContext, claimed: Claimed, sent: Moment) -> OwnedTask {
    let clock = Arc::clone(&context.clock);
    let fence = LeaseFence::new(&claimed.lease, context.options.lease, clock, sent);
    OwnedTask { claimed, fence }
}
