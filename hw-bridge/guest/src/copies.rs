//! Values that cross the wall: from the heap to tokens, and back.

use crate::{channel, functions};
use alloc::{format, string::String, vec::Vec};
use lunette_gc::{reference::Ref, table::Table, value::Value};
use lunette_hw_interface::message::{MOST_DEPTH, Token, Values};
use lunette_interpreter::{Machine, Throw};

/// Values on their way out.
pub struct Copies<'m> {
    machine: &'m Machine,
    tokens: Values,
    /// What they cost in a message, and the most that they may.
    cost: usize,
    most: usize,
    /// Tables that are not complete, each with its last key.
    open: Vec<(Ref<Table>, Value)>,
}

impl<'m> Copies<'m> {
    /// None yet.
    pub fn new(machine: &'m Machine) -> Copies<'m> {
        // Beside them, what they are copies of, the message and what else is in it need room.
        Copies { machine, tokens: Vec::new(), cost: 0, most: channel::most_message() / 4, open: Vec::new() }
    }

    /// Adds a value. What cannot leave the partition is said in the error.
    pub fn add(&mut self, value: Value) -> Result<(), String> {
        self.begin(value)?;
        while let Some((table, key)) = self.open.pop() {
            let Ok(Some((key, value))) = self.machine.heap.table_next(table, key) else { continue };
            self.open.push((table, key));
            self.begin(key)?;
            // A key that is a table is complete before its value begins.
            if let Some(&(inner, Value::Nil)) = self.open.last()
                && inner != table
            {
                return Err(String::from("a table whose keys are tables cannot leave the partition"));
            }
            self.begin(value)?;
        }
        Ok(())
    }

    /// Their tokens.
    pub fn finish(self) -> Values {
        self.tokens
    }

    /// Adds a value, or the beginning of a table.
    fn begin(&mut self, value: Value) -> Result<(), String> {
        let machine = self.machine;
        let token = match value {
            Value::Nil => Token::Nil,
            Value::Boolean(value) => Token::Boolean(value),
            Value::Integer(value) => Token::Integer(value),
            Value::Float(value) => Token::Float(value),
            Value::String(text) if machine.bytes(text).len() > self.most => return Err(too_large()),
            Value::String(text) => Token::String(machine.bytes(text).to_vec()),
            Value::Table(table) => {
                if self.open.iter().any(|&(outer, _)| outer == table) {
                    return Err(String::from("a table that contains itself cannot leave the partition"));
                }
                if self.open.len() >= MOST_DEPTH {
                    return Err(String::from("tables nested that deep cannot leave the partition"));
                }
                if machine.heap.get(table).metatable.get().is_some() {
                    return Err(String::from("a table with a metatable cannot leave the partition"));
                }
                let mut pairs = 0;
                let mut key = Value::Nil;
                while let Ok(Some((next, _))) = machine.heap.table_next(table, key) {
                    pairs += 1;
                    key = next;
                }
                self.open.push((table, Value::Nil));
                Token::Table(pairs)
            }
            Value::NativeClosure(closure) => match functions::number_of(machine, closure) {
                Some(number) => Token::HostFunction(number),
                None => return Err(String::from("a function cannot leave the partition")),
            },
            other => return Err(format!("a {} cannot leave the partition", machine.type_name(other))),
        };
        self.cost = self.cost.saturating_add(token.cost());
        if self.cost > self.most {
            return Err(too_large());
        }
        self.tokens.push(token);
        Ok(())
    }
}

fn too_large() -> String {
    String::from("values that large cannot leave the partition")
}

/// Makes the values of these tokens, in order.
pub fn copy_in(machine: &Machine, tokens: &[Token]) -> Result<Vec<Value>, Throw> {
    /// A table whose pairs are not complete.
    struct Open {
        table: Ref<Table>,
        pairs_left: u32,
        key: Option<Value>,
    }
    let mut values = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for token in tokens {
        let mut value = match token {
            Token::Nil => Value::Nil,
            Token::Boolean(value) => Value::Boolean(*value),
            Token::Integer(value) => Value::Integer(*value),
            Token::Float(value) => Value::Float(*value),
            Token::String(bytes) => Value::String(machine.new_string(bytes)?),
            Token::HostFunction(number) => functions::new(machine, *number)?,
            Token::Table(pairs) => {
                let table = machine.heap.new_table(0, 0)?;
                if *pairs > 0 {
                    open.push(Open { table, pairs_left: *pairs, key: None });
                    continue;
                }
                Value::Table(table)
            }
        };
        loop {
            let Some(innermost) = open.last_mut() else {
                values.push(value);
                break;
            };
            match innermost.key.take() {
                None => {
                    innermost.key = Some(value);
                    break;
                }
                Some(key) => {
                    machine.raw_set(innermost.table, key, value)?;
                    innermost.pairs_left -= 1;
                    if innermost.pairs_left > 0 {
                        break;
                    }
                    value = Value::Table(innermost.table);
                    open.pop();
                }
            }
        }
    }
    Ok(values)
}
