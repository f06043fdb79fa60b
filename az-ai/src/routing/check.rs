//! Checks conditions before they are used.
//!
//! The expression language compares values of different types without an error: `tokens < '500'`
//! always holds. So conditions are type-checked here, and comparisons that cannot be meant are
//! refused.

use minijinja::machinery::ast::{BinOpKind, CompareOpKind, Expr, UnaryOpKind};
use minijinja::machinery::{Span, parse_expr};
use minijinja::value::{Value, ValueKind};

use super::variables::{ValueType, Variable};
use crate::resolver::near;

/// The error of a condition that is not an expression.
pub(super) const FALLBACK: &str = "fallback";

/// The maximum length of a condition.
const LONGEST: usize = 2000;
/// The maximum depth of nesting, because deeper conditions could exhaust the stack.
const DEEPEST: usize = 64;

/// An error in a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConditionError {
    /// The byte offset in the condition.
    pub(super) offset: usize,
    pub(super) what: String,
    pub(super) near: Vec<String>,
}

impl ConditionError {
    fn new(offset: usize, what: impl Into<String>) -> Self {
        Self { offset, what: what.into(), near: Vec::new() }
    }

    fn at(span: Span, what: impl Into<String>) -> Self {
        Self::new(usize::try_from(span.start_offset).unwrap_or(usize::MAX), what)
    }
}

/// Checks a condition, and returns the variables that it reads, in the order of their list.
pub(super) fn check(condition: &str) -> Result<Vec<Variable>, ConditionError> {
    if condition.trim().is_empty() {
        return Err(ConditionError::new(0, "the condition is empty"));
    }
    if condition.len() > LONGEST {
        return Err(ConditionError::new(
            0,
            format!("the condition is longer than {LONGEST} bytes"),
        ));
    }
    let tree = parse_expr(condition).map_err(|error| {
        let offset = error.range().map_or(0, |range| range.start);
        ConditionError::new(offset, format!("the condition cannot be read: {}", describe(&error)))
    })?;
    let mut checker = Checker::default();
    checker.truth(&tree)?;
    let read = |variable: &&Variable| checker.reads.contains(*variable);
    Ok(Variable::ALL.iter().filter(read).copied().collect())
}

/// Returns the expression language's message, without parts that our own message replaces.
pub(super) fn describe(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.to_string(), str::to_owned)
}

/// The type of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Truth,
    Number,
    Text(TextValues),
    /// A text or `none`.
    Name,
    Texts(TextValues),
    None,
}

/// The possible values of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum TextValues {
    /// Only these.
    Known(&'static [&'static str]),
    /// The literals of the condition.
    Written(Vec<String>),
}

impl Kind {
    const fn describe(&self) -> &'static str {
        match self {
            Self::Truth => "true or false",
            Self::Number => "a number",
            Self::Text(_) | Self::Name => "a text",
            Self::Texts(_) => "a list",
            Self::None => "none",
        }
    }

    const fn words(&self) -> Option<&TextValues> {
        match self {
            Self::Text(words) | Self::Texts(words) => Some(words),
            Self::Truth | Self::Number | Self::Name | Self::None => None,
        }
    }
}

/// The kind of comparison of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    Order,
    In,
}

#[derive(Debug, Default)]
struct Checker {
    reads: Vec<Variable>,
    depth: usize,
}

impl Checker {
    fn truth(&mut self, expr: &Expr<'_>) -> Result<(), ConditionError> {
        self.expect(expr, &Kind::Truth)
    }

    fn expect(&mut self, expr: &Expr<'_>, expected: &Kind) -> Result<(), ConditionError> {
        let kind = self.kind(expr)?;
        if kind == *expected {
            return Ok(());
        }
        let what = format!("this is {}, but {} is expected", kind.describe(), expected.describe());
        Err(ConditionError::at(expr.span(), what))
    }

    fn kind(&mut self, expr: &Expr<'_>) -> Result<Kind, ConditionError> {
        if self.depth == DEEPEST {
            return Err(ConditionError::at(expr.span(), "the condition is nested too deeply"));
        }
        self.depth += 1;
        let kind = self.kind_within(expr);
        self.depth -= 1;
        kind
    }

    fn kind_within(&mut self, expr: &Expr<'_>) -> Result<Kind, ConditionError> {
        match expr {
            Expr::Var(var) => self.variable(var.id, var.span()),
            Expr::Const(constant) => literal(&constant.value).ok_or_else(|| {
                ConditionError::at(constant.span(), "rules do not support this value")
            }),
            Expr::List(list) => self.list(&list.items),
            Expr::Tuple(tuple) => self.list(&tuple.items),
            Expr::UnaryOp(op) => {
                let kind = match op.op {
                    UnaryOpKind::Not => Kind::Truth,
                    UnaryOpKind::Neg => Kind::Number,
                };
                self.expect(&op.expr, &kind)?;
                Ok(kind)
            }
            Expr::Compare(compare) => {
                let mut left = &compare.expr;
                for op in &compare.ops {
                    self.compare(left, relation(op.op), &op.expr)?;
                    left = &op.expr;
                }
                Ok(Kind::Truth)
            }
            Expr::BinOp(op) => self.binary(&op.left, op.op, &op.right),
            Expr::Slice(_)
            | Expr::IfExpr(_)
            | Expr::Filter(_)
            | Expr::Test(_)
            | Expr::GetAttr(_)
            | Expr::GetItem(_)
            | Expr::Call(_)
            | Expr::Map(_) => {
                let what = "rules have comparisons, arithmetic, `and`, `or`, `not` and `in` only";
                Err(ConditionError::at(expr.span(), what))
            }
        }
    }

    fn variable(&mut self, name: &str, span: Span) -> Result<Kind, ConditionError> {
        if name == FALLBACK {
            let what = "`fallback` stands alone: it holds when no other rule does";
            return Err(ConditionError::at(span, what));
        }
        let Some(variable) = Variable::named(name) else {
            let known = Variable::ALL.iter().map(|variable| variable.name());
            let mut flaw = ConditionError::at(span, format!("no variable is called {name:?}"));
            flaw.near = near(name, known.chain([FALLBACK]));
            return Err(flaw);
        };
        self.reads.push(variable);
        Ok(match variable.sort() {
            ValueType::Number => Kind::Number,
            ValueType::OneOf(words) => Kind::Text(TextValues::Known(words)),
            ValueType::Name => Kind::Name,
            ValueType::AnyOf(words) => Kind::Texts(TextValues::Known(words)),
        })
    }

    fn list(&mut self, items: &[Expr<'_>]) -> Result<Kind, ConditionError> {
        let mut written = Vec::new();
        for item in items {
            match self.kind(item)? {
                Kind::Text(TextValues::Written(words)) => written.extend(words),
                _ => return Err(ConditionError::at(item.span(), "a list may contain only texts")),
            }
        }
        Ok(Kind::Texts(TextValues::Written(written)))
    }

    fn binary(
        &mut self,
        left: &Expr<'_>,
        op: BinOpKind,
        right: &Expr<'_>,
    ) -> Result<Kind, ConditionError> {
        let relation = match op {
            BinOpKind::Eq | BinOpKind::Ne => Relation::Equal,
            BinOpKind::Lt | BinOpKind::Lte | BinOpKind::Gt | BinOpKind::Gte => Relation::Order,
            BinOpKind::In => Relation::In,
            BinOpKind::ScAnd | BinOpKind::ScOr => {
                self.truth(left)?;
                self.truth(right)?;
                return Ok(Kind::Truth);
            }
            BinOpKind::Add
            | BinOpKind::Sub
            | BinOpKind::Mul
            | BinOpKind::Div
            | BinOpKind::FloorDiv
            | BinOpKind::Rem
            | BinOpKind::Pow => {
                self.expect(left, &Kind::Number)?;
                self.expect(right, &Kind::Number)?;
                return Ok(Kind::Number);
            }
            BinOpKind::Concat => {
                return Err(ConditionError::at(right.span(), "rules cannot concatenate texts"));
            }
        };
        self.compare(left, relation, right)?;
        Ok(Kind::Truth)
    }

    fn compare(
        &mut self,
        left: &Expr<'_>,
        relation: Relation,
        right: &Expr<'_>,
    ) -> Result<(), ConditionError> {
        let (a, b) = (self.kind(left)?, self.kind(right)?);
        let fits = match relation {
            Relation::Order => a == Kind::Number && b == Kind::Number,
            Relation::Equal => match (&a, &b) {
                (Kind::Name, Kind::Text(_) | Kind::Name | Kind::None)
                | (Kind::Text(_) | Kind::None, Kind::Name)
                | (Kind::Text(_), Kind::Text(_)) => true,
                (Kind::Number | Kind::Truth, _) => a == b,
                _ => false,
            },
            Relation::In => matches!((&a, &b), (Kind::Text(_) | Kind::Name, Kind::Texts(_))),
        };
        if !fits {
            let how = match relation {
                Relation::In => "searched for in",
                Relation::Equal | Relation::Order => "compared with",
            };
            let what = format!("{} cannot be {how} {}", a.describe(), b.describe());
            return Err(ConditionError::at(left.span(), what));
        }
        match (a.words(), b.words()) {
            (Some(TextValues::Known(known)), Some(TextValues::Written(written))) => {
                among(known, written, right.span())
            }
            (Some(TextValues::Written(written)), Some(TextValues::Known(known))) => {
                among(known, written, left.span())
            }
            _ => Ok(()),
        }
    }
}

/// Checks that literals are possible values.
fn among(known: &[&str], written: &[String], span: Span) -> Result<(), ConditionError> {
    let Some(stranger) = written.iter().find(|word| !known.contains(&word.as_str())) else {
        return Ok(());
    };
    let mut flaw =
        ConditionError::at(span, format!("it is never {stranger:?}, but {}", known.join(", ")));
    flaw.near = near(stranger, known.iter().copied());
    Err(flaw)
}

const fn relation(op: CompareOpKind) -> Relation {
    match op {
        CompareOpKind::Eq | CompareOpKind::Ne => Relation::Equal,
        CompareOpKind::Lt | CompareOpKind::Lte | CompareOpKind::Gt | CompareOpKind::Gte => {
            Relation::Order
        }
        CompareOpKind::In | CompareOpKind::NotIn => Relation::In,
    }
}

fn literal(value: &Value) -> Option<Kind> {
    match value.kind() {
        ValueKind::Bool => Some(Kind::Truth),
        ValueKind::Number => Some(Kind::Number),
        ValueKind::None => Some(Kind::None),
        ValueKind::String => {
            Some(Kind::Text(TextValues::Written(vec![value.as_str()?.to_owned()])))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
