//! Values that cross the wall: from the heap to tokens, and back.

use alloc::{format, string::String, vec::Vec};
use lunette_gc::{reference::Ref, table::Table, value::Value};
use lunette_hw_interface::message::{MOST_DEPTH, Token, Values};
use lunette_interpreter::{Machine, Throw};

/// Number of the native function that stands for the host's, which has the function's number as its value.
pub const HOST_FUNCTION: &str = "host.function";

/// Appends a value's tokens. What cannot leave the partition is said in the error.
pub fn copy_out(machine: &Machine, value: Value, tokens: &mut Values) -> Result<(), String> {
    let mut open: Vec<(Ref<Table>, Value)> = Vec::new();
    append(machine, value, tokens, &mut open)?;
    while let Some((table, key)) = open.pop() {
        let Ok(Some((key, value))) = machine.heap.table_next(table, key) else { continue };
        open.push((table, key));
        append(machine, key, tokens, &mut open)?;
        // A key that is a table is complete before its value begins.
        if let Some(&(inner, Value::Nil)) = open.last()
            && inner != table
        {
            return Err(String::from("a table whose keys are tables cannot leave the partition"));
        }
        append(machine, value, tokens, &mut open)?;
    }
    Ok(())
}

fn append(
    machine: &Machine,
    value: Value,
    tokens: &mut Values,
    open: &mut Vec<(Ref<Table>, Value)>,
) -> Result<(), String> {
    tokens.push(match value {
        Value::Nil => Token::Nil,
        Value::Boolean(value) => Token::Boolean(value),
        Value::Integer(value) => Token::Integer(value),
        Value::Float(value) => Token::Float(value),
        Value::String(text) => Token::String(machine.bytes(text).to_vec()),
        Value::Table(table) => {
            if open.iter().any(|&(outer, _)| outer == table) {
                return Err(String::from("a table that contains itself cannot leave the partition"));
            }
            if open.len() >= MOST_DEPTH {
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
            open.push((table, Value::Nil));
            Token::Table(pairs)
        }
        Value::NativeClosure(closure) => {
            let native = machine.heap.get(closure).native;
            match machine.heap.native_values(closure).first().map(|slot| slot.get()) {
                Some(Value::Integer(number)) if machine.find_native(HOST_FUNCTION) == Some(native) => {
                    Token::HostFunction(number as u32)
                }
                _ => return Err(String::from("a function cannot leave the partition")),
            }
        }
        other => return Err(format!("a {} cannot leave the partition", machine.type_name(other))),
    });
    Ok(())
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
            Token::HostFunction(number) => {
                let Some(native) = machine.find_native(HOST_FUNCTION) else {
                    unreachable!("the agent registers '{HOST_FUNCTION}'");
                };
                let closure = machine.heap.new_native_closure(native, 1)?;
                machine.heap.native_values(closure)[0].set(Value::Integer(i64::from(*number)));
                Value::NativeClosure(closure)
            }
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
