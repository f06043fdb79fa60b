//! Repeats the list of steps to the model when it no longer sees the call that set it.

use az_core::journal::{History, Todo};
use az_core::{Result, Run};

/// Records the list as an observation, if a cut or a summary has taken it from the conversation. The text is
/// on record, so that a resumed task sends the same.
pub(super) async fn repeat_if_lost(run: &mut Run) -> Result<()> {
    let Some(text) = run.history().todo.as_ref().and_then(|todo| lost(run.history(), todo)) else {
        return Ok(());
    };
    run.observe(text).await
}

/// Returns the text that repeats the list, if the model sees neither the call that set the list nor an earlier
/// repetition of it.
fn lost(history: &History, todo: &Todo) -> Option<String> {
    if todo.list.items.is_empty() {
        return None;
    }
    let from = history.summary.as_ref().map_or(0, |summary| summary.turns);
    let is_cut = |place| history.context.cuts.iter().any(|cut| cut.covers(place));
    // A call that is not of a turn is the agent's own, which the model did not see.
    let place = todo.call.place();
    if place.is_some_and(|(turn, index)| turn >= from && !is_cut((turn, index))) {
        return None;
    }
    let set_in = place.map_or(0, |(turn, _)| turn);
    let text = format!(
        "an earlier part of the conversation was shortened. Your list of steps, as you set it last \
         ({}):\n{}",
        todo.list.progress(),
        todo.list.render()
    );
    let mut repeated = history.observations.iter().filter(|made| made.after >= from.max(set_in));
    let is_told = repeated.any(|made| !made.is_hint && made.text == text);
    (!is_told).then_some(text)
}
