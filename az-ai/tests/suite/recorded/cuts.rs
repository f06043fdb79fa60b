//! Streams that are cut off, at so many places that only the decoder itself is asked.

use az_ai::chat::ChatEvent;
use az_ai::error::Error;
use az_ai::provider::wire::{Answered, Wire};
use az_core::journal::ModelReply;

use super::driver::Dice;
use super::exchange::Exchange;
use super::spoken::Spoken;

/// How many bytes may be decoded to cut one stream again and again.
const EFFORT: usize = 1 << 20;

/// Cuts a stream at every place, or at as many as there is time for; returns how many.
pub(super) fn cut<S: Spoken>(exchange: &Exchange) -> usize {
    let end = S::end(exchange);
    let places = (2 * EFFORT / end.max(1)).clamp(200, end);
    let stride = end / places;
    // Only a stream that says an error itself may be refused, and only with that.
    let refused = S::expected(exchange).is_err();
    let whole = cut_at::<S>(exchange, exchange.response.len()).ok();
    let mut dice = Dice(end as u64);
    let mut cuts = 0;
    let mut place = 0;
    while place < end {
        match cut_at::<S>(exchange, place) {
            Err(Error::Truncated { .. }) => {}
            // The finish reason came: nothing is missing but usage.
            Ok(reply) if Some(&reply) == whole.as_ref() => {}
            Err(Error::Refused(_)) if refused => {}
            ended => panic!("{} cut at {place}: {ended:?}", exchange.name),
        }
        cuts += 1;
        place += if stride == 1 { 1 } else { dice.roll(2 * stride - 1) };
    }
    cuts
}

fn cut_at<S: Spoken>(exchange: &Exchange, place: usize) -> Result<ModelReply, Error> {
    let answered = Answered { provider: "test".to_owned(), ..Answered::default() };
    let mut decoder = S::wire().decoder(answered);
    let mut events = decoder.feed(&exchange.response.as_bytes()[..place])?;
    let finished = |event: &ChatEvent| matches!(event, ChatEvent::Finished(_));
    if !events.iter().any(finished) {
        events.extend(decoder.finish()?);
    }
    match events.pop() {
        Some(ChatEvent::Finished(reply)) => Ok(reply.reply),
        last => {
            panic!("{} cut at {place} ends without an error or a reply: {last:?}", exchange.name)
        }
    }
}
