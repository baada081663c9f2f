//! Handles to functions.

use crate::{
    context::AsContext,
    convert::{FromLuaMulti, IntoLuaMulti},
    error::Result,
    handle::Handle,
};

/// A handle to a function, of Lua or of Rust.
///
/// ```
/// use lunette::{AsContext, Engine, Function};
/// let mut instance = Engine::default().instantiate()?;
/// let max: Function = instance.eval("return math.max")?;
/// assert_eq!(max.call::<i64>(&mut instance, (3, 8, 5))?, 8);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Function(pub(crate) Handle);

impl Function {
    /// Calls the function: with one value, a tuple of several, `()` for none, or [`Variadic`](crate::Variadic) values.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Function, Variadic};
    /// # let mut instance = Engine::default().instantiate()?;
    /// let pack: Function = instance.eval("return function(...) return select('#', ...), ... end")?;
    /// let (count, rest): (i64, Variadic<String>) = pack.call(&mut instance, ("a", "b"))?;
    /// assert_eq!((count, rest.0), (2, vec!["a".to_owned(), "b".to_owned()]));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn call<R: FromLuaMulti>(&self, context: &mut impl AsContext, arguments: impl IntoLuaMulti) -> Result<R> {
        let context = &mut context.as_context();
        let arguments = arguments.into_lua_multi(context)?;
        let raw = arguments.iter().map(|value| context.unwrap(value)).collect::<Result<Vec<_>>>()?;
        let function = context.resolve(&self.0)?;
        let results = context.call_raw(function, &raw)?;
        R::from_lua_multi(results, context)
    }
}
