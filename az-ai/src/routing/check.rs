//! Finds what is wrong with a condition before it is needed.
//!
//! To the expression language a comparison of unlike things is no error: `tokens < '500'` always
//! holds. So a condition's tree is read here, and what could not mean what it says is refused.

use minijinja::machinery::ast::{BinOpKind, CompareOpKind, Expr, UnaryOpKind};
use minijinja::machinery::{Span, parse_expr};
use minijinja::value::{Value, ValueKind};

use super::variables::{Sort, Variable};
use crate::resolver::near;

/// The condition that is no expression.
pub(super) const FALLBACK: &str = "fallback";

/// Longer conditions are refused before they are read.
const LONGEST: usize = 2000;
/// Conditions that are nested more deeply are refused: they could exhaust the stack.
const DEEPEST: usize = 64;

/// What is wrong with a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flaw {
    /// The byte of the condition where it is.
    pub(super) offset: usize,
    pub(super) what: String,
    pub(super) near: Vec<String>,
}

impl Flaw {
    fn new(offset: usize, what: impl Into<String>) -> Self {
        Self { offset, what: what.into(), near: Vec::new() }
    }

    fn at(span: Span, what: impl Into<String>) -> Self {
        Self::new(usize::try_from(span.start_offset).unwrap_or(usize::MAX), what)
    }
}

/// Checks a condition, and returns the variables that it reads, in the order of their list.
pub(super) fn check(condition: &str) -> Result<Vec<Variable>, Flaw> {
    if condition.trim().is_empty() {
        return Err(Flaw::new(0, "the condition is empty"));
    }
    if condition.len() > LONGEST {
        return Err(Flaw::new(0, format!("the condition is longer than {LONGEST} bytes")));
    }
    let tree = parse_expr(condition).map_err(|error| {
        let offset = error.range().map_or(0, |range| range.start);
        Flaw::new(offset, format!("the condition cannot be read: {}", told(&error)))
    })?;
    let mut checker = Checker::default();
    checker.truth(&tree)?;
    let read = |variable: &&Variable| checker.reads.contains(*variable);
    Ok(Variable::ALL.iter().filter(read).copied().collect())
}

/// Returns what the language says of an error, without what we know better.
pub(super) fn told(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.to_string(), str::to_owned)
}

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Truth,
    Number,
    Text(Words),
    /// A text, or none.
    Name,
    Texts(Words),
    None,
}

/// Which texts something can be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Words {
    /// These and no others.
    Known(&'static [&'static str]),
    /// Those that are written there.
    Written(Vec<String>),
}

impl Kind {
    const fn told(&self) -> &'static str {
        match self {
            Self::Truth => "true or false",
            Self::Number => "a number",
            Self::Text(_) | Self::Name => "a text",
            Self::Texts(_) => "a list",
            Self::None => "none",
        }
    }

    const fn words(&self) -> Option<&Words> {
        match self {
            Self::Text(words) | Self::Texts(words) => Some(words),
            Self::Truth | Self::Number | Self::Name | Self::None => None,
        }
    }
}

/// In what way two values are compared.
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
    fn truth(&mut self, expr: &Expr<'_>) -> Result<(), Flaw> {
        self.expect(expr, &Kind::Truth)
    }

    fn expect(&mut self, expr: &Expr<'_>, expected: &Kind) -> Result<(), Flaw> {
        let kind = self.kind(expr)?;
        if kind == *expected {
            return Ok(());
        }
        let what = format!("this is {}, and {} is needed", kind.told(), expected.told());
        Err(Flaw::at(expr.span(), what))
    }

    fn kind(&mut self, expr: &Expr<'_>) -> Result<Kind, Flaw> {
        if self.depth == DEEPEST {
            return Err(Flaw::at(expr.span(), "the condition is nested too deeply"));
        }
        self.depth += 1;
        let kind = self.kind_within(expr);
        self.depth -= 1;
        kind
    }

    fn kind_within(&mut self, expr: &Expr<'_>) -> Result<Kind, Flaw> {
        match expr {
            Expr::Var(var) => self.variable(var.id, var.span()),
            Expr::Const(constant) => literal(&constant.value)
                .ok_or_else(|| Flaw::at(constant.span(), "rules know no such value")),
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
                Err(Flaw::at(expr.span(), what))
            }
        }
    }

    fn variable(&mut self, name: &str, span: Span) -> Result<Kind, Flaw> {
        if name == FALLBACK {
            let what = "`fallback` stands alone: it holds when no other rule does";
            return Err(Flaw::at(span, what));
        }
        let Some(variable) = Variable::named(name) else {
            let known = Variable::ALL.iter().map(|variable| variable.name());
            let mut flaw = Flaw::at(span, format!("no variable is called {name:?}"));
            flaw.near = near(name, known.chain([FALLBACK]));
            return Err(flaw);
        };
        self.reads.push(variable);
        Ok(match variable.sort() {
            Sort::Number => Kind::Number,
            Sort::OneOf(words) => Kind::Text(Words::Known(words)),
            Sort::Name => Kind::Name,
            Sort::AnyOf(words) => Kind::Texts(Words::Known(words)),
        })
    }

    fn list(&mut self, items: &[Expr<'_>]) -> Result<Kind, Flaw> {
        let mut written = Vec::new();
        for item in items {
            match self.kind(item)? {
                Kind::Text(Words::Written(words)) => written.extend(words),
                _ => return Err(Flaw::at(item.span(), "a list holds texts only")),
            }
        }
        Ok(Kind::Texts(Words::Written(written)))
    }

    fn binary(&mut self, left: &Expr<'_>, op: BinOpKind, right: &Expr<'_>) -> Result<Kind, Flaw> {
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
            BinOpKind::Concat => return Err(Flaw::at(right.span(), "rules join no texts")),
        };
        self.compare(left, relation, right)?;
        Ok(Kind::Truth)
    }

    fn compare(
        &mut self,
        left: &Expr<'_>,
        relation: Relation,
        right: &Expr<'_>,
    ) -> Result<(), Flaw> {
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
                Relation::In => "looked for in",
                Relation::Equal | Relation::Order => "compared with",
            };
            let what = format!("{} cannot be {how} {}", a.told(), b.told());
            return Err(Flaw::at(left.span(), what));
        }
        match (a.words(), b.words()) {
            (Some(Words::Known(known)), Some(Words::Written(written))) => {
                among(known, written, right.span())
            }
            (Some(Words::Written(written)), Some(Words::Known(known))) => {
                among(known, written, left.span())
            }
            _ => Ok(()),
        }
    }
}

/// Checks that words that are written down are some that can occur.
fn among(known: &[&str], written: &[String], span: Span) -> Result<(), Flaw> {
    let Some(stranger) = written.iter().find(|word| !known.contains(&word.as_str())) else {
        return Ok(());
    };
    let mut flaw = Flaw::at(span, format!("it is never {stranger:?}, but {}", known.join(", ")));
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
        ValueKind::String => Some(Kind::Text(Words::Written(vec![value.as_str()?.to_owned()]))),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
