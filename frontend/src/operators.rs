//! Precedence: the grammar gives operators and operands in one flat run, and they are put in order here as they come.
//!
//! `pending` holds the subexpressions that are not complete yet, the outermost first. Each takes in operators that bind
//! tighter to the left than its `limit`; on another one it is complete and becomes an operand of the one before it.
//! Operators of one subexpression are links of one [`Chain`], so that only what nests in Lua's own parser nests here.

use crate::ast::{BinaryOperator, Chain, ChainId, ExpressionId, ExpressionKind, Link, UnaryOperator, append};
use crate::builder::Builder;
use crate::error::Failure;

/// A subexpression that is being read.
pub(crate) struct Pending {
    limit: u8,
    /// The operator before it and the offset of the operator's end.
    unary: Option<(UnaryOperator, u32)>,
    head: ExpressionId,
    /// Where its links begin among the builder's.
    first_link: usize,
}

/// Stands where an operand is still to come.
const MISSING: ExpressionId = ExpressionId(u32::MAX);
const UNARY_PRIORITY: u8 = 12;

/// How tight an operator binds to the left and to the right.
fn priority(operator: BinaryOperator) -> (u8, u8) {
    match operator {
        BinaryOperator::Or => (1, 1),
        BinaryOperator::And => (2, 2),
        BinaryOperator::Less
        | BinaryOperator::Greater
        | BinaryOperator::LessEqual
        | BinaryOperator::GreaterEqual
        | BinaryOperator::NotEqual
        | BinaryOperator::Equal => (3, 3),
        BinaryOperator::BitOr => (4, 4),
        BinaryOperator::BitXor => (5, 5),
        BinaryOperator::BitAnd => (6, 6),
        BinaryOperator::ShiftLeft | BinaryOperator::ShiftRight => (7, 7),
        BinaryOperator::Concatenate => (9, 8),
        BinaryOperator::Add | BinaryOperator::Subtract => (10, 10),
        BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::FloorDivide | BinaryOperator::Modulo => {
            (11, 11)
        }
        BinaryOperator::Power => (14, 13),
    }
}

impl Builder<'_> {
    /// A unary operator that ends at `position`.
    pub(crate) fn unary(&mut self, operator: UnaryOperator, position: u32) -> Result<(), Failure> {
        self.begin_expression()?;
        self.push_pending(UNARY_PRIORITY, Some((operator, position)))
    }

    /// An operand and the binary operator after it, which ends at `position`.
    pub(crate) fn binary(
        &mut self,
        operand: ExpressionId,
        operator: BinaryOperator,
        position: u32,
    ) -> Result<(), Failure> {
        self.begin_expression()?;
        self.set_head(operand);
        let (left, right) = priority(operator);
        while self.pending.last().is_some_and(|pending| pending.limit >= left) {
            self.complete_innermost()?;
        }
        self.memory.push(&mut self.links, Link { operator, position, operand: MISSING })?;
        self.push_pending(right, None)
    }

    /// The expression that ends with `operand`.
    pub(crate) fn expression(&mut self, operand: ExpressionId) -> Result<ExpressionId, Failure> {
        let outermost = self.frame().first_pending;
        if self.pending.len() == outermost {
            self.check_level(0)?;
            return Ok(operand);
        }
        self.set_head(operand);
        while self.pending.len() > outermost + 1 {
            self.complete_innermost()?;
        }
        self.pop_pending()
    }

    /// Makes sure that the current expression has its outermost subexpression.
    fn begin_expression(&mut self) -> Result<(), Failure> {
        if self.pending.len() == self.frame().first_pending { self.push_pending(0, None) } else { Ok(()) }
    }

    fn push_pending(&mut self, limit: u8, unary: Option<(UnaryOperator, u32)>) -> Result<(), Failure> {
        self.check_level((self.pending.len() - self.frame().first_pending) as u32)?;
        let first_link = self.links.len();
        Ok(self.memory.push(&mut self.pending, Pending { limit, unary, head: MISSING, first_link })?)
    }

    fn set_head(&mut self, operand: ExpressionId) {
        if let Some(pending) = self.pending.last_mut() {
            pending.head = operand;
        }
    }

    /// Makes the innermost subexpression an operand of the one around it.
    fn complete_innermost(&mut self) -> Result<(), Failure> {
        let is_unary = self.pending.last().is_some_and(|pending| pending.unary.is_some());
        let expression = self.pop_pending()?;
        if is_unary {
            self.set_head(expression);
        } else if let Some(link) = self.links.last_mut() {
            link.operand = expression;
        }
        Ok(())
    }

    fn pop_pending(&mut self) -> Result<ExpressionId, Failure> {
        let Some(Pending { unary, mut head, first_link, .. }) = self.pending.pop() else { return Ok(MISSING) };
        if self.links.len() > first_link {
            head = self.chain(head, first_link)?;
        }
        match unary {
            Some((operator, position)) => self.node(ExpressionKind::Unary(operator, head), position),
            None => Ok(head),
        }
    }

    fn chain(&mut self, head: ExpressionId, first_link: usize) -> Result<ExpressionId, Failure> {
        let ast = &mut self.ast;
        let first = ast.links.len() as u32;
        let length = (self.links.len() - first_link) as u32;
        self.memory.extend(&mut ast.links, &self.links[first_link..])?;
        self.links.truncate(first_link);
        let chain = append(&mut ast.chains, Chain { head, first_link: first, length }, self.memory)?;
        self.node(ExpressionKind::Chain(ChainId(chain)), 0)
    }
}
