//! What crosses the wall, in either direction: values as tokens, and what came of commands as errors.

use crate::{
    data::Data,
    error::{Error, ImageError, IsolatedError, Result, StopReason, SyntaxError},
};
use lunette_hw_bridge::{
    End,
    message::{self, Failure, Token, Values},
};
use std::sync::Arc;

/// How deep tables may be nested.
const MOST_DEPTH: usize = 100;

pub(super) fn ended(end: End) -> Error {
    match end {
        End::Memory => Error::Memory,
        End::Time => Error::Stopped(StopReason::Time),
        End::Interrupt => Error::Stopped(StopReason::Interrupt),
        End::Output => Error::Stopped(StopReason::Output),
        other => Error::Ended(other.to_string()),
    }
}

pub(super) fn failed(failure: Failure) -> Error {
    use message::StopReason as Reason;
    match failure {
        Failure::Syntax { message, line, column, length, source_line, at_end } => {
            Error::Syntax(Arc::new(SyntaxError {
                message,
                line,
                column,
                length: usize::try_from(length).unwrap_or(usize::MAX),
                source_line,
                at_end,
            }))
        }
        Failure::Malformed(message) => Error::Malformed(message),
        Failure::Runtime { message, traceback, value, type_name } => {
            let value = value.and_then(|tokens| from_tokens(tokens).ok()).and_then(|values| values.into_iter().next());
            Error::Isolated(Arc::new(IsolatedError { message, traceback, value, type_name }))
        }
        Failure::Image { message, part, offset } => Error::Image(ImageError { message, part, offset: Some(offset) }),
        Failure::Memory => Error::Memory,
        Failure::Stopped(reason) => Error::Stopped(match reason {
            Reason::Fuel => StopReason::Fuel,
            Reason::Time => StopReason::Time,
            Reason::Interrupt => StopReason::Interrupt,
            Reason::Output => StopReason::Output,
            Reason::Snapshot => StopReason::Snapshot,
            Reason::Exit(status) => StopReason::Exit(status),
        }),
        Failure::Value(message) => Error::message(message),
    }
}

pub(super) fn image_error(message: String) -> Error {
    Error::Image(ImageError { message, part: String::new(), offset: None })
}

pub(super) fn to_tokens(values: &[Data]) -> Values {
    fn append(value: &Data, tokens: &mut Values) {
        tokens.push(match value {
            Data::Nil => Token::Nil,
            Data::Boolean(value) => Token::Boolean(*value),
            Data::Integer(value) => Token::Integer(*value),
            Data::Float(value) => Token::Float(*value),
            Data::String(bytes) => Token::String(bytes.clone()),
            Data::Table(pairs) => {
                tokens.push(Token::Table(pairs.len() as u32));
                for (key, value) in pairs {
                    append(key, tokens);
                    append(value, tokens);
                }
                return;
            }
        });
    }
    let mut tokens = Vec::new();
    for value in values {
        append(value, &mut tokens);
    }
    tokens
}

pub(super) fn malformed() -> Error {
    Error::Ended("the partition sends malformed values".to_owned())
}

/// The values of tokens of unknown origin.
pub(super) fn from_tokens(tokens: Values) -> Result<Vec<Data>> {
    let mut values = Vec::new();
    // Tables that are not complete: their parts, and how many are still to come.
    let mut open: Vec<(Vec<Data>, u64)> = Vec::new();
    for token in tokens {
        let mut value = match token {
            Token::Nil => Data::Nil,
            Token::Boolean(value) => Data::Boolean(value),
            Token::Integer(value) => Data::Integer(value),
            Token::Float(value) => Data::Float(value),
            Token::String(bytes) => Data::String(bytes),
            Token::Table(0) => Data::Table(Vec::new()),
            Token::Table(pairs) => {
                if open.len() >= MOST_DEPTH {
                    return Err(malformed());
                }
                open.push((Vec::new(), u64::from(pairs) * 2));
                continue;
            }
            Token::HostFunction(_) => return Err(Error::message("a function cannot leave the partition")),
        };
        loop {
            let Some((parts, left)) = open.last_mut() else {
                values.push(value);
                break;
            };
            parts.push(value);
            *left -= 1;
            if *left > 0 {
                break;
            }
            let mut parts = open.pop().map(|(parts, _)| parts).unwrap_or_default().into_iter();
            let mut pairs = Vec::with_capacity(parts.len() / 2);
            while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
                pairs.push((key, value));
            }
            value = Data::Table(pairs);
        }
    }
    if open.is_empty() { Ok(values) } else { Err(malformed()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_unknown_origin_become_values_or_an_error() {
        let pair = || vec![Token::Table(1), Token::Integer(1), Token::Table(0)];
        let table = Data::Table(vec![(Data::Integer(1), Data::Table(Vec::new()))]);
        assert_eq!(from_tokens(pair()).ok(), Some(vec![table]));
        let nested = |depth: usize| {
            let mut tokens = Vec::new();
            for _ in 0..depth {
                tokens.extend([Token::Table(1), Token::Nil]);
            }
            tokens.push(Token::Nil);
            from_tokens(tokens)
        };
        assert!(nested(MOST_DEPTH).is_ok());
        assert!(nested(MOST_DEPTH + 1).is_err() && nested(1_000_000).is_err());
        for wrong in [
            vec![Token::Table(u32::MAX)],
            vec![Token::Table(1), Token::Nil],
            vec![Token::Table(2), Token::Nil, Token::Table(0), Token::Nil],
            vec![Token::HostFunction(0)],
        ] {
            assert!(from_tokens(wrong.clone()).is_err(), "{wrong:?}");
        }
    }
}
