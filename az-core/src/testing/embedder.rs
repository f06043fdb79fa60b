//! The kit of [`Embedder`].

use super::kit::{Checked, Fixture};
use crate::embed::Embedder;
use crate::money::Usd;
use crate::{ensure, ensure_eq, scenarios};

scenarios! {
    $crate
    /// Runs every scenario of [`Embedder`]'s contract.
    embedder for Fixture<dyn Embedder>, in embedder_conformance;

    no_texts_give_no_vectors;
    every_text_gets_a_vector;
    vectors_have_the_declared_dimensions;
    vectors_come_in_the_order_of_the_texts;
    a_text_has_the_same_vector_alone_and_among_others;
    the_model_has_a_stable_name;
    the_charge_is_at_most_the_estimated_cost;
}

/// The fixture of a scenario.
type Embedders<'a> = &'a dyn Fixture<dyn Embedder>;

const TEXTS: &[&str] = &[
    "the cat sat on the mat",
    "interest rates rose by half a percent",
    "日本語の文章 \u{1F980}",
    "",
    "the cat sat on the mat",
];

fn texts() -> Vec<String> {
    TEXTS.iter().map(|text| (*text).to_owned()).collect()
}

/// Returns `true` if two vectors are equal up to rounding.
fn same(a: &[f32], b: &[f32]) -> bool {
    let near = |(x, y): (&f32, &f32)| (x - y).abs() <= 1e-4 * x.abs().max(y.abs()).max(1.0);
    a.len() == b.len() && a.iter().zip(b).all(near)
}

/// Checks `Embedder` 1.
async fn no_texts_give_no_vectors(fixture: Embedders<'_>) -> Checked {
    let embedder = fixture.open().await;
    ensure_eq!(embedder.embed(&[]).await?.vectors.len(), 0, "the number of vectors for no texts");
    Ok(())
}

/// Checks `Embedder` 1.
async fn every_text_gets_a_vector(fixture: Embedders<'_>) -> Checked {
    let embedder = fixture.open().await;
    for n in 1..=TEXTS.len() {
        let some: Vec<_> = texts().into_iter().take(n).collect();
        let found = embedder.embed(&some).await?.vectors.len();
        ensure_eq!(found, n, "the number of vectors for {n} texts");
    }
    Ok(())
}

/// Checks `Embedder` 2.
async fn vectors_have_the_declared_dimensions(fixture: Embedders<'_>) -> Checked {
    let embedder = fixture.open().await;
    let length = embedder.dimensions();
    ensure!(length > 0, "the number of dimensions is 0");
    for (vector, text) in embedder.embed(&texts()).await?.vectors.iter().zip(TEXTS) {
        ensure_eq!(vector.len(), length, "the length of the vector of {text:?}");
        let finite = vector.iter().all(|x| x.is_finite());
        ensure!(finite, "the vector of {text:?} has numbers that are not finite");
    }
    Ok(())
}

/// Checks `Embedder` 1.
async fn vectors_come_in_the_order_of_the_texts(fixture: Embedders<'_>) -> Checked {
    let embedder = fixture.open().await;
    let forward = embedder.embed(&texts()).await?.vectors;
    let mut turned = texts();
    turned.reverse();
    let mut backward = embedder.embed(&turned).await?.vectors;
    backward.reverse();
    for ((a, b), text) in forward.iter().zip(&backward).zip(TEXTS) {
        ensure!(same(a, b), "{text:?} has another vector in another position");
    }
    Ok(())
}

/// Checks `Embedder` 3.
async fn a_text_has_the_same_vector_alone_and_among_others(fixture: Embedders<'_>) -> Checked {
    let embedder = fixture.open().await;
    let together = embedder.embed(&texts()).await?.vectors;
    for (among, text) in together.iter().zip(texts()) {
        let alone = embedder.embed(std::slice::from_ref(&text)).await?.vectors;
        let matches = alone.first().is_some_and(|alone| same(alone, among));
        ensure!(matches, "{text:?} has different vectors alone and among others");
    }
    Ok(())
}

/// Checks `Embedder` 4.
async fn the_model_has_a_stable_name(fixture: Embedders<'_>) -> Checked {
    let (one, two) = (fixture.open().await, fixture.open().await);
    ensure!(!one.model().is_empty(), "the model has no name");
    ensure_eq!(one.model(), two.model(), "two handles return different names of the model");
    ensure_eq!(
        one.dimensions(),
        two.dimensions(),
        "two handles return different numbers of dimensions"
    );
    Ok(())
}

/// Checks `Embedder` 5 and 6.
async fn the_charge_is_at_most_the_estimated_cost(fixture: Embedders<'_>) -> Checked {
    let embedder = fixture.open().await;
    let estimate = embedder.estimate_cost(&texts());
    ensure_eq!(embedder.estimate_cost(&texts()), estimate, "two estimates of one request");
    let charge = embedder.embed(&texts()).await?.charge;
    if let (Some(cost), Some(most)) = (charge.cost, estimate.max_cost) {
        ensure!(cost <= most, "{cost} was charged where the estimate was {most}");
    }
    ensure!(
        charge.cost.is_some() || estimate.max_cost.is_none(),
        "the price is known before the call and not after it"
    );
    let nothing = embedder.embed(&[]).await?.charge;
    ensure!(nothing.cost.is_none_or(|cost| cost == Usd::ZERO), "no texts cost {:?}", nothing.cost);
    Ok(())
}
