//! Runs the generated parser.

use crate::ast::{Ast, BlockId};
use crate::builder::Builder;
use crate::diagnosis::Source;
use crate::error::Failure;
use crate::grammar::ChunkParser;
use lalrpop_util::ParseError;

/// Parses a source text.
pub(crate) fn parse(source: &mut Source) -> Result<(Ast, BlockId), Failure> {
    let memory = source.memory;
    let mut builder = Builder::new(memory)?;
    let result = ChunkParser::new().parse(&mut builder, source.lexer(0));
    let is_in_target_list = builder.is_in_target_list();
    match result {
        Ok(block) => Ok((builder.ast, block)),
        Err(ParseError::User { error }) => Err(error),
        Err(ParseError::UnrecognizedToken { token, expected }) => {
            Err(source.unexpected_token(token, &expected, is_in_target_list))
        }
        // The end of the source is a token of its own, so that the input never ends where the grammar goes on, and
        // nothing follows it.
        Err(ParseError::InvalidToken { .. } | ParseError::UnrecognizedEof { .. } | ParseError::ExtraToken { .. }) => {
            Err(Failure::near("syntax error", source.text.len() as u32))
        }
    }
}
