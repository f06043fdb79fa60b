//! Drops from the fold what a summary has replaced, so that its size does not grow with the task.

use super::call_record::CallState;
use super::fold::History;
use crate::id::CallId;

/// The number of summarised turns, the latest ones, that keep their contents: agents compare the
/// latest turns with each other to detect repetition.
const KEPT: usize = 16;

impl History {
    /// Drops the contents of the turns that the summary has replaced, except for the latest of them:
    /// the replies, the outputs of their calls, and the observations before them.
    ///
    /// The turns keep their numbers, and the calls their outcomes. The journal keeps all of it.
    pub(super) fn drop_summarised(&mut self) {
        let Some(summary) = &self.summary else { return };
        let end = summary.turns.min(self.turns.len()).saturating_sub(KEPT);
        for (index, turn) in self.turns.iter_mut().take(end).enumerate() {
            let reply = std::mem::take(&mut turn.reply);
            for place in 0..reply.calls.len() {
                let record = self.calls.get_mut(&CallId::tool(index, place));
                if let Some(CallState::Ended { text, images, data, .. }) =
                    record.map(|record| &mut record.state)
                {
                    text.clear();
                    images.clear();
                    *data = None;
                }
            }
        }
        self.observations.retain(|made| made.after >= end);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::KEPT;
    use crate::id::CallId;
    use crate::journal::{
        CallRecord, CallState, History, ModelReply, Observation, Summary, ToolOutcome, Turn,
    };
    use crate::text::Excerpt;

    fn record(text: Excerpt, data: Option<serde_json::Value>) -> CallRecord {
        let images = Vec::new();
        CallRecord {
            intent_seq: Some(7),
            asked: None,
            approval: None,
            denial: None,
            questioned: false,
            deny_at: None,
            answer: None,
            is_copied: false,
            state: CallState::Ended { outcome: ToolOutcome::Failed, text, images, data },
        }
    }

    #[test]
    fn summarised_turns_lose_their_contents_except_for_the_latest() {
        let reply = ModelReply::text("look").with_call("read", json!({"path": "a"}));
        let count = KEPT + 5;
        let full = record(Excerpt::of("contents", 100), Some(json!(1)));
        let mut history = History {
            turns: vec![Turn::new(reply.clone(), ""); count],
            calls: (0..count).map(|turn| (CallId::tool(turn, 0), full.clone())).collect(),
            observations: (0..count)
                .map(|after| Observation {
                    after,
                    text: "seen".to_owned(),
                    is_hint: false,
                    is_announcement: false,
                })
                .collect(),
            summary: Some(Summary { turns: KEPT + 2, text: "so far".to_owned() }),
            ..History::default()
        };
        let mut expected = history.clone();
        for turn in 0..2 {
            expected.turns[turn].reply = ModelReply::default();
            let empty = Excerpt { head: String::new(), tail: String::new(), omitted: 8 };
            expected.calls.insert(CallId::tool(turn, 0), record(empty, None));
        }
        expected.observations.drain(..2);
        history.drop_summarised();
        assert_eq!(history, expected);
        history.drop_summarised();
        assert_eq!(history, expected, "dropping again changes nothing");
    }
}
