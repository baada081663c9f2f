//! Handles to coroutines.

use crate::{
    context::{AsContext, Context},
    convert::{FromLuaMulti, IntoLuaMulti},
    error::Result,
    function::Function,
    handle::Handle,
};
use lunette_gc::value::Value as Raw;
use lunette_interpreter::coroutine;

/// A handle to a coroutine.
///
/// ```
/// use lunette::{AsContext, Engine, Thread, ThreadStatus};
/// let mut instance = Engine::default().instantiate()?;
/// let thread: Thread = instance.eval(
///     "return coroutine.create(function(a) local b = coroutine.yield(a + 1); return a * b end)",
/// )?;
/// assert_eq!(thread.resume::<i64>(&mut instance, 10)?, 11);
/// assert_eq!(thread.status(&mut instance)?, ThreadStatus::Suspended);
/// assert_eq!(thread.resume::<i64>(&mut instance, 3)?, 30);
/// assert_eq!(thread.status(&mut instance)?, ThreadStatus::Dead);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Thread(pub(crate) Handle);

/// What a coroutine is doing.
///
/// ```
/// use lunette::{AsContext, Engine, Function, Thread, ThreadStatus};
/// let mut instance = Engine::default().instantiate()?;
/// let print: Function = instance.get("print")?;
/// let thread = Thread::new(&mut instance, &print)?;
/// assert_eq!(thread.status(&mut instance)?, ThreadStatus::Suspended);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadStatus {
    /// It can be resumed.
    Suspended,
    /// It is the one that runs.
    Running,
    /// It has resumed another one and waits for it.
    Normal,
    /// It is at its end, or an error ended it.
    Dead,
}

impl Thread {
    /// What the coroutine is doing.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Thread, ThreadStatus};
    /// let mut instance = Engine::default().instantiate()?;
    /// let thread: Thread = instance.eval("return (coroutine.running())")?;
    /// assert_eq!(thread.status(&mut instance)?, ThreadStatus::Running);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn status(&self, context: &mut impl AsContext) -> Result<ThreadStatus> {
        let context = &mut context.as_context();
        let status = match context.resolve(&self.0)? {
            Raw::Thread(thread) => context.machine.thread_status(thread),
            other => unreachable!("the handle stands for a thread, not {other:?}"),
        };
        Ok(match status {
            coroutine::SUSPENDED => ThreadStatus::Suspended,
            coroutine::RUNNING => ThreadStatus::Running,
            coroutine::NORMAL => ThreadStatus::Normal,
            _ => ThreadStatus::Dead,
        })
    }

    /// A coroutine that will run a function.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Function, Thread};
    /// let mut instance = Engine::default().instantiate()?;
    /// let function: Function = instance.eval("return function() coroutine.yield(1); return 2 end")?;
    /// let thread = Thread::new(&mut instance, &function)?;
    /// assert_eq!(thread.resume::<i64>(&mut instance, ())?, 1);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn new(context: &mut impl AsContext, function: &Function) -> Result<Thread> {
        let context = &mut context.as_context();
        let function = context.resolve(&function.0)?;
        let thread = match context.machine.new_thread(function) {
            Ok(thread) => thread,
            Err(_) => {
                context.collect();
                context.machine.new_thread(function).map_err(|throw| context.error(throw))?
            }
        };
        Ok(Thread(context.handle(Raw::Thread(thread))?))
    }

    /// Ends the coroutine, which must not be running: closes its pending variables, and gives the error that it ended
    /// with or that closing met.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Thread, ThreadStatus};
    /// let mut instance = Engine::default().instantiate()?;
    /// let thread: Thread = instance.eval("return coroutine.create(coroutine.yield)")?;
    /// thread.resume::<()>(&mut instance, ())?;
    /// thread.close(&mut instance)?;
    /// assert_eq!(thread.status(&mut instance)?, ThreadStatus::Dead);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn close(&self, context: &mut impl AsContext) -> Result<()> {
        let context = &mut context.as_context();
        let native = context.state().natives.close;
        native_function(context, native)?.call(context, self)
    }

    /// Runs the coroutine until it yields or ends, and gives what it yields or returns. The values are what its `yield`
    /// gives, or, at first, the arguments of its function.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Thread};
    /// let mut instance = Engine::default().instantiate()?;
    /// let thread: Thread = instance.eval("return coroutine.create(function(x) error('no ' .. coroutine.yield(x)) end)")?;
    /// assert_eq!(thread.resume::<i64>(&mut instance, 1)?, 1);
    /// assert!(thread.resume::<()>(&mut instance, "more").unwrap_err().to_string().ends_with("no more"));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn resume<R: FromLuaMulti>(&self, context: &mut impl AsContext, values: impl IntoLuaMulti) -> Result<R> {
        let context = &mut context.as_context();
        let native = context.state().natives.resume;
        let resume = native_function(context, native)?;
        let mut arguments = vec![crate::Value::Thread(self.clone())];
        arguments.extend(values.into_lua_multi(context)?);
        resume.call(context, crate::Variadic(arguments))
    }
}

/// A native function of the API.
fn native_function(context: &mut Context<'_>, number: u32) -> Result<Function> {
    let closure = context.allocate(|machine| machine.heap.new_native_closure(number, 0))?;
    Ok(Function(context.handle(Raw::NativeClosure(closure))?))
}
