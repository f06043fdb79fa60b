//! The rules for the parents of payers, for implementers of stores.

use super::payer::Payer;
use crate::error::{Error, Result};
use crate::id::TaskId;

/// Checks that `parent` may be registered as the parent of `payer`.
///
/// `part_of` is the task that `payer` is part of, if it is a stored task that is part of one.
/// `ancestors` are those of `parent`.
///
/// # Errors
///
/// `Invalid` for a registered parent of a task that is part of another, and for a parent that is
/// the payer or descends from it.
pub fn check(
    payer: &Payer,
    parent: Option<&Payer>,
    part_of: Option<&TaskId>,
    ancestors: &[Payer],
) -> Result<()> {
    if part_of.is_some() && parent.and_then(Payer::task) != part_of {
        let reason = format!("{payer} is part of another task, which is its parent");
        return Err(Error::invalid("parent", reason));
    }
    match parent {
        Some(parent) if parent == payer || ancestors.contains(payer) => {
            let reason = format!("{parent} is {payer} or descends from it");
            Err(Error::invalid("parent", reason))
        }
        _ => Ok(()),
    }
}

/// Returns the change to a task's parent when the task is stored: a payer, `Some(None)` to remove
/// it, or `None` to keep it.
///
/// `before` is the task that it was part of, and `after` the one that it is part of now. The parent
/// is not checked, because tasks may be created in any order. A parent registered in another way
/// stays, unless the task was or becomes part of another.
pub fn change(before: Option<&TaskId>, after: Option<&TaskId>) -> Option<Option<Payer>> {
    (before != after).then(|| after.map(Payer::from))
}

/// Returns the ancestors of a payer, nearest first. `parent_of` looks up the registered parent.
///
/// Tasks can be parts of each other, because that is not checked. The list then ends before the
/// first ancestor that it already has.
///
/// # Errors
///
/// Those of `parent_of`.
pub fn ancestors<E>(
    payer: &Payer,
    mut parent_of: impl FnMut(&Payer) -> Result<Option<Payer>, E>,
) -> Result<Vec<Payer>, E> {
    let mut found = Vec::new();
    let mut next = parent_of(payer)?;
    while let Some(parent) = next {
        if parent == *payer || found.contains(&parent) {
            break;
        }
        next = parent_of(&parent)?;
        found.push(parent);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use super::{ancestors, change, check};
    use crate::testing::sample::{payer, task_id};

    #[test]
    fn a_parent_is_refused_with_its_reason() {
        let part = "invalid parent: task:t is part of another task, which is its parent";
        let cycle =
            |parent: &str| format!("invalid parent: {parent} is task:t or descends from it");
        for (parent, part_of, ancestors, expected) in [
            (None, None, &[][..], None),
            (Some("key:k"), None, &["tenant:a"], None),
            (Some("task:whole"), Some("whole"), &[], None),
            (Some("key:k"), Some("whole"), &[], Some(part.to_owned())),
            (None, Some("whole"), &[], Some(part.to_owned())),
            (Some("task:t"), None, &[], Some(cycle("task:t"))),
            (Some("key:k"), None, &["tenant:a", "task:t"], Some(cycle("key:k"))),
        ] {
            let parent = parent.map(payer);
            let ancestors: Vec<_> = ancestors.iter().copied().map(payer).collect();
            let part_of = part_of.map(task_id);
            let found = check(&payer("task:t"), parent.as_ref(), part_of.as_ref(), &ancestors);
            assert_eq!(found.err().map(|error| error.to_string()), expected, "{parent:?}");
        }
    }

    #[test]
    fn a_parent_changes_with_the_task_that_it_is_part_of() {
        let (a, b) = (task_id("a"), task_id("b"));
        for (before, after, expected) in [
            (None, None, None),
            (Some(&a), Some(&a), None),
            (None, Some(&a), Some(Some(payer("task:a")))),
            (Some(&a), Some(&b), Some(Some(payer("task:b")))),
            (Some(&a), None, Some(None)),
        ] {
            assert_eq!(change(before, after), expected, "{before:?} to {after:?}");
        }
    }

    #[test]
    fn ancestors_are_listed_nearest_first_and_once() {
        let parents: BTreeMap<_, _> =
            [("task:a", "task:b"), ("task:b", "key:k"), ("task:x", "task:y"), ("task:y", "task:x")]
                .map(|(child, parent)| (payer(child), payer(parent)))
                .into();
        let of = |child: &str| {
            let found =
                ancestors(&payer(child), |payer| Ok::<_, Infallible>(parents.get(payer).cloned()));
            found.unwrap().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(of("task:a"), ["task:b", "key:k"]);
        assert_eq!(of("key:k"), [""; 0]);
        assert_eq!(of("task:x"), ["task:y"]);
    }
}
