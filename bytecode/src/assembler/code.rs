//! Encodes the instructions of a function and resolves its labels.

use super::parser::number;
use super::tokens::{Token, Tokens};
use super::{AssembleError, AssembleErrorKind};
use crate::disassembler::operand_prefix;
use crate::instruction::{Opcode, Operand, OperandKind, Word};
use crate::module::Function;
use alloc::{collections::BTreeMap, vec::Vec};

/// The code of a function while it is read.
#[derive(Default)]
pub(super) struct Code<'text> {
    words: Vec<Word>,
    /// Empty as long as there was no `line`.
    lines: Vec<u32>,
    line: Option<u32>,
    labels: BTreeMap<&'text str, usize>,
    jumps: Vec<Jump<'text>>,
}

/// A jump whose label is looked up when all are known.
struct Jump<'text> {
    instruction: usize,
    operand: Operand,
    label: &'text str,
    /// The error at its place, if the label is unknown or too far away.
    error: AssembleError,
}

impl<'text> Code<'text> {
    /// Gives the following instructions this line.
    pub(super) fn set_line(&mut self, line: u32) -> Result<(), AssembleErrorKind> {
        if self.lines.len() < self.words.len() {
            return Err(AssembleErrorKind::LateLine);
        }
        self.line = Some(line);
        Ok(())
    }

    pub(super) fn define_label(&mut self, label: &'text str) -> Result<(), AssembleErrorKind> {
        match self.labels.insert(label, self.words.len()) {
            None => Ok(()),
            Some(_) => Err(AssembleErrorKind::DuplicateLabel(label.into())),
        }
    }

    /// The instruction `name`, which stands at `start`, with the operands that follow.
    pub(super) fn instruction(
        &mut self,
        name: &'text str,
        start: usize,
        tokens: &mut Tokens<'text>,
    ) -> Result<(), AssembleError> {
        let word = if name == "word" {
            raw_word(tokens)?
        } else {
            let opcode = Opcode::from_name(name)
                .ok_or_else(|| tokens.error_at(start, AssembleErrorKind::UnknownInstruction(name.into())))?;
            self.operands(opcode, tokens)?
        };
        self.words.push(word);
        self.lines.extend(self.line);
        Ok(())
    }

    fn operands(&mut self, opcode: Opcode, tokens: &mut Tokens<'text>) -> Result<Word, AssembleError> {
        let mut word = Word(opcode as u64);
        for (position, &operand) in opcode.entry().operands.iter().enumerate() {
            if position > 0 {
                let start = tokens.position();
                if tokens.next()? != Some(Token::Comma) {
                    return Err(tokens.error_at(start, AssembleErrorKind::Expected("a comma")));
                }
            }
            let start = tokens.position();
            if matches!(operand.kind, OperandKind::Jump | OperandKind::WideJump)
                && let Some(label) = jump_label(tokens)?
            {
                let error = tokens.error_at(start, AssembleErrorKind::OutOfRange);
                self.jumps.push(Jump { instruction: self.words.len(), operand, label, error });
                continue;
            }
            let value = number(tokens, operand_prefix(operand.kind))?;
            word = word
                .with_operand(operand, value)
                .ok_or_else(|| tokens.error_at(start, AssembleErrorKind::OutOfRange))?;
        }
        Ok(word)
    }

    /// Resolves the labels and gives code and lines to `function`.
    pub(super) fn finish(mut self, function: &mut Function) -> Result<(), AssembleError> {
        for Jump { instruction, operand, label, error } in self.jumps {
            let Some(&target) = self.labels.get(label) else {
                return Err(AssembleError { kind: AssembleErrorKind::UnknownLabel(label.into()), ..error });
            };
            let distance = target as i64 - (instruction as i64 + 1);
            self.words[instruction] = self.words[instruction].with_operand(operand, distance).ok_or(error)?;
        }
        function.code = self.words;
        function.lines = self.lines;
        Ok(())
    }
}

/// The label behind `->`, if there is one.
fn jump_label<'text>(tokens: &mut Tokens<'text>) -> Result<Option<&'text str>, AssembleError> {
    let mut ahead = tokens.clone();
    if let Some(Token::Word(word)) = ahead.next()?
        && let Some(label) = word.strip_prefix("->")
    {
        *tokens = ahead;
        return Ok(Some(label));
    }
    Ok(None)
}

/// A word that is no instruction, as its bits.
fn raw_word(tokens: &mut Tokens<'_>) -> Result<Word, AssembleError> {
    const EXPECTED: &str = "the word in hexadecimal, such as `0x0123`";
    let start = tokens.position();
    let digits = tokens.word(EXPECTED)?.strip_prefix("0x").unwrap_or_default();
    u64::from_str_radix(digits, 16).map(Word).map_err(|_| tokens.error_at(start, AssembleErrorKind::Expected(EXPECTED)))
}
