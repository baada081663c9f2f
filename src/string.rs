//! Handles to strings.

use crate::{context::AsContext, error::Result, handle::Handle};
use lunette_gc::value::Value as Raw;

/// A handle to a Lua string, which is any sequence of bytes.
///
/// ```
/// use lunette::{AsContext, Engine};
/// let mut instance = Engine::default().instantiate()?;
/// let string: lunette::String = instance.eval("return 'moon'")?;
/// assert_eq!(string.to_text(&mut instance)?, "moon");
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct String(pub(crate) Handle);

impl String {
    /// The bytes.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// # let mut instance = Engine::default().instantiate()?;
    /// let string: lunette::String = instance.eval(r"return '\200\0'")?;
    /// assert_eq!(string.to_bytes(&mut instance)?, [200, 0]);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn to_bytes(&self, context: &mut impl AsContext) -> Result<Vec<u8>> {
        let context = &mut context.as_context();
        Ok(match context.resolve(&self.0)? {
            Raw::String(string) => context.machine.bytes(string).to_vec(),
            other => unreachable!("the handle stands for a string, not {other:?}"),
        })
    }

    /// The text; bytes that are not UTF-8 are replaced.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// # let mut instance = Engine::default().instantiate()?;
    /// let string: lunette::String = instance.eval(r"return 'x\255'")?;
    /// assert_eq!(string.to_text(&mut instance)?, "x\u{fffd}");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn to_text(&self, context: &mut impl AsContext) -> Result<std::string::String> {
        Ok(std::string::String::from_utf8_lossy(&self.to_bytes(context)?).into_owned())
    }
}
