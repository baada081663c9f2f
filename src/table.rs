//! Handles to tables.

use crate::{
    context::{AsContext, Context},
    convert::{FromLua, FromLuaMulti, IntoLua, IntoLuaMulti, Variadic},
    error::{Error, Result},
    function::Function,
    handle::Handle,
    value::Value,
};
use lunette_gc::{reference::Ref, table::Table as RawTable, value::Value as Raw};
use lunette_interpreter::{
    Throw,
    index::{Lookup, Store},
};

/// A handle to a table.
///
/// ```
/// use lunette::{AsContext, Engine, Table};
/// let mut instance = Engine::default().instantiate()?;
/// let table: Table = instance.eval("return {10, 20, name = 'x'}")?;
/// assert_eq!(table.get::<String>(&mut instance, "name")?, "x");
/// assert_eq!(table.length(&mut instance)?, 2);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Table(pub(crate) Handle);

impl Table {
    fn raw(&self, context: &mut Context<'_>) -> Result<Ref<RawTable>> {
        Ok(match context.resolve(&self.0)? {
            Raw::Table(table) => table,
            other => unreachable!("the handle stands for a table, not {other:?}"),
        })
    }

    /// The value of a field, as `table[key]` gives it: metamethods may be called.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Table};
    /// # let mut instance = Engine::default().instantiate()?;
    /// let table: Table = instance.eval("return setmetatable({}, {__index = function(_, k) return k .. '!' end})")?;
    /// assert_eq!(table.get::<String>(&mut instance, "hi")?, "hi!");
    /// assert_eq!(table.raw_get::<Option<String>>(&mut instance, "hi")?, None);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn get<V: FromLua>(&self, context: &mut impl AsContext, key: impl IntoLua) -> Result<V> {
        let context = &mut context.as_context();
        context.check_alive()?;
        let key = key.into_lua(context)?;
        let raw_key = context.unwrap(&key)?;
        let table = Raw::Table(self.raw(context)?);
        let value = match context.machine.look_up(table, raw_key) {
            Ok(Lookup::Found(value)) => context.wrap(value)?,
            Ok(Lookup::Call { function, object }) => {
                context.call_raw(function, &[object, raw_key])?.into_iter().next().unwrap_or_default()
            }
            Err(throw) => return Err(context.error(throw)),
        };
        V::from_lua(value, context)
    }

    /// Sets a field, as `table[key] = value` does: metamethods may be called.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// # let mut instance = Engine::default().instantiate()?;
    /// let table = instance.table()?;
    /// table.set(&mut instance, 1, "one")?;
    /// assert!(table.set(&mut instance, f64::NAN, "none").is_err());
    /// assert_eq!(table.get::<String>(&mut instance, 1)?, "one");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn set(&self, context: &mut impl AsContext, key: impl IntoLua, value: impl IntoLua) -> Result<()> {
        let context = &mut context.as_context();
        context.check_alive()?;
        let (key, value) = (key.into_lua(context)?, value.into_lua(context)?);
        let store = self.retry(context, |context, table| {
            let (key, value) = (context.unwrap(&key)?, context.unwrap(&value)?);
            Ok((context.machine.store(Raw::Table(table), key, value), key, value))
        })?;
        if let (Store::Call { function, object }, key, value) = store {
            context.call_raw(function, &[object, key, value])?;
        }
        Ok(())
    }

    /// The value of a field, without metamethods.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// # let mut instance = Engine::default().instantiate()?;
    /// let table = instance.table()?;
    /// assert!(table.raw_get::<Option<i64>>(&mut instance, "x")?.is_none());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn raw_get<V: FromLua>(&self, context: &mut impl AsContext, key: impl IntoLua) -> Result<V> {
        let context = &mut context.as_context();
        let key = key.into_lua(context)?;
        let (key, table) = (context.unwrap(&key)?, self.raw(context)?);
        let value = context.wrap(context.machine.heap.table_get(table, key))?;
        V::from_lua(value, context)
    }

    /// Sets a field, without metamethods.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// # let mut instance = Engine::default().instantiate()?;
    /// let table = instance.table()?;
    /// table.raw_set(&mut instance, "x", true)?;
    /// assert!(table.get::<bool>(&mut instance, "x")?);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn raw_set(&self, context: &mut impl AsContext, key: impl IntoLua, value: impl IntoLua) -> Result<()> {
        let context = &mut context.as_context();
        let (key, value) = (key.into_lua(context)?, value.into_lua(context)?);
        self.retry(context, |context, table| {
            let (key, value) = (context.unwrap(&key)?, context.unwrap(&value)?);
            Ok((context.machine.raw_set(table, key, value), key, value))
        })?;
        Ok(())
    }

    /// Does an operation that may need memory, and once more after a collection if there is none.
    fn retry<T>(
        &self,
        context: &mut Context<'_>,
        mut operation: impl FnMut(&mut Context<'_>, Ref<RawTable>) -> Result<(Result<T, Throw>, Raw, Raw)>,
    ) -> Result<(T, Raw, Raw)> {
        let table = self.raw(context)?;
        let (mut outcome, mut key, mut value) = operation(context, table)?;
        if matches!(outcome, Err(Throw::Memory)) {
            context.collect();
            (outcome, key, value) = operation(context, table)?;
        }
        match outcome {
            Ok(done) => Ok((done, key, value)),
            Err(throw) => Err(context.error(throw)),
        }
    }

    /// Calls the field `name` with the table and further arguments, as `table:name(...)` does.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Table};
    /// # let mut instance = Engine::default().instantiate()?;
    /// let square: Table = instance.eval("return {side = 3, area = function(self) return self.side ^ 2 end}")?;
    /// assert_eq!(square.call_method::<f64>(&mut instance, "area", ())?, 9.0);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn call_method<R: FromLuaMulti>(
        &self,
        context: &mut impl AsContext,
        name: &str,
        arguments: impl IntoLuaMulti,
    ) -> Result<R> {
        let method: Function = self.get(context, name)?;
        let mut all = vec![Value::Table(self.clone())];
        all.extend(arguments.into_lua_multi(&mut context.as_context())?);
        method.call(context, Variadic(all))
    }

    /// The length of the sequence in the table, as `#` gives it without metamethods.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Table};
    /// # let mut instance = Engine::default().instantiate()?;
    /// let table: Table = instance.eval("return {1, 2, 3}")?;
    /// assert_eq!(table.length(&mut instance)?, 3);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn length(&self, context: &mut impl AsContext) -> Result<i64> {
        let context = &mut context.as_context();
        let table = self.raw(context)?;
        Ok(context.machine.heap.table_length(table))
    }

    /// Appends a value to the sequence in the table.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// # let mut instance = Engine::default().instantiate()?;
    /// let list = instance.table()?;
    /// list.push(&mut instance, "first")?;
    /// assert_eq!(list.length(&mut instance)?, 1);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn push(&self, context: &mut impl AsContext, value: impl IntoLua) -> Result<()> {
        let next = self.length(context)? + 1;
        self.raw_set(context, next, value)
    }

    /// The field that follows the field `key` when the table is traversed, or the first one for nil: its key and value.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Table, Value};
    /// let mut instance = Engine::default().instantiate()?;
    /// let table: Table = instance.eval("return {10, x = 20}")?;
    /// let (mut sum, mut key) = (0, Value::Nil);
    /// while let Some((next, value)) = table.next::<Value, i64>(&mut instance, key)? {
    ///     sum += value;
    ///     key = next;
    /// }
    /// assert_eq!(sum, 30);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn next<K: FromLua, V: FromLua>(
        &self,
        context: &mut impl AsContext,
        key: impl IntoLua,
    ) -> Result<Option<(K, V)>> {
        let context = &mut context.as_context();
        let key = key.into_lua(context)?;
        let (key, table) = (context.unwrap(&key)?, self.raw(context)?);
        let next = context.machine.heap.table_next(table, key);
        match next.map_err(|_| Error::message("no such key in the table"))? {
            Some((key, value)) => {
                let (key, value) = (context.wrap(key)?, context.wrap(value)?);
                Ok(Some((K::from_lua(key, context)?, V::from_lua(value, context)?)))
            }
            None => Ok(None),
        }
    }

    /// All fields, in the order in which they are traversed.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Table};
    /// # let mut instance = Engine::default().instantiate()?;
    /// let table: Table = instance.eval("return {one = 1, two = 2}")?;
    /// let mut pairs: Vec<(String, i64)> = table.pairs(&mut instance)?;
    /// pairs.sort();
    /// assert_eq!(pairs, [("one".to_owned(), 1), ("two".to_owned(), 2)]);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn pairs<K: FromLua, V: FromLua>(&self, context: &mut impl AsContext) -> Result<Vec<(K, V)>> {
        let context = &mut context.as_context();
        let mut pairs = Vec::new();
        let mut key = Value::Nil;
        while let Some((next, value)) = self.next::<Value, V>(context, key)? {
            key = next.clone();
            pairs.push((K::from_lua(next, context)?, value));
        }
        Ok(pairs)
    }

    /// The table's metatable.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// # let mut instance = Engine::default().instantiate()?;
    /// assert!(instance.table()?.metatable(&mut instance)?.is_none());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn metatable(&self, context: &mut impl AsContext) -> Result<Option<Table>> {
        let context = &mut context.as_context();
        let table = self.raw(context)?;
        match context.machine.metatable(Raw::Table(table)) {
            Some(metatable) => Ok(Some(Table(context.handle(Raw::Table(metatable))?))),
            None => Ok(None),
        }
    }

    /// Sets or removes the table's metatable.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// let (table, metatable) = (instance.table()?, instance.table()?);
    /// let text = instance.function(|_, _: lunette::Table| Ok("a table"))?;
    /// metatable.set(&mut instance, "__tostring", &text)?;
    /// table.set_metatable(&mut instance, Some(&metatable))?;
    /// assert_eq!(instance.call::<String>("tostring", &table)?, "a table");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn set_metatable(&self, context: &mut impl AsContext, metatable: Option<&Table>) -> Result<()> {
        let context = &mut context.as_context();
        self.retry(context, |context, table| {
            let metatable = metatable.map(|metatable| metatable.raw(context)).transpose()?;
            Ok((context.machine.set_metatable(Raw::Table(table), metatable), Raw::Nil, Raw::Nil))
        })?;
        Ok(())
    }
}
