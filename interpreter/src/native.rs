//! Native functions: library functions and functions of the host, as the machine calls them.
//!
//! A native function never runs Lua code from inside. It is a state machine with a frame on the stack:
//!
//! ```text
//!   function | header | argument 0 ... argument n-1 | local 0 ... local m-1 | window ...
//!                       ^ base                        ^ number of locals registered with the function
//! ```
//!
//! Called first in phase 0, it returns a [`Step`]. To call back it puts a function and its arguments into its window,
//! sets the phase it wants to be in afterwards and returns [`Step::Call`]; when the callee has returned, it is called
//! again, finds its arguments and locals as it left them, and the results in its window. What it needs later it must keep
//! in its locals: nothing else survives.
//!
//! A function that fails with [`Throw::Memory`] is called again after a collection, in the phase it was in or has set; so
//! it must take memory before it changes anything else.

use crate::{
    call::Next,
    error::Throw,
    frame::{FRAME_SLOTS, HeaderSlot},
    host::{Request, Response, Ticket},
    machine::Machine,
};
use lunette_gc::{
    function::NativeClosure,
    reference::Ref,
    thread::Thread,
    value::{Slot, Tag, Value},
};

/// What a native function gives back.
pub type NativeResult = Result<Step, Throw>;

/// A native function.
pub type NativeFunction = fn(&mut Machine, Frame) -> NativeResult;

/// Does what a native function does with these arguments, where that takes no more than to look at them and a few objects: the
/// one result (nil stands for none), or `None`, with nothing done, if it takes the function itself. It is paid for as the
/// function; what that would charge is spent.
pub type Quick = fn(&mut Machine, ArgumentList) -> Option<Value>;

/// The same for any number of results, at most [`MOST_LISTED`]: puts them into slots from this one on, which may be those of the
/// arguments, and gives their number. Tried by compiled code that wants none, several, or all.
pub type QuickList = fn(&mut Machine, ArgumentList, u32) -> Option<u32>;

/// The most results of a [`QuickList`].
pub const MOST_LISTED: u32 = 64;

/// What a native function does that changes which frame runs: the machine does it itself, without calling the function, if nothing
/// is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// It resumes its first argument with the others and returns `true` and what comes back.
    Resume,
    /// It resumes the first of its closure's values with the arguments and returns what comes back. It has one local.
    Wrapped,
    /// It suspends the running coroutine with its arguments and returns what that is resumed with.
    Yield,
    /// It catches errors, calls its first argument with the others, and returns `true` and what comes back, or `false` and the
    /// error.
    Protect,
    /// The same; its second argument is the message handler.
    ProtectHandled,
}

impl Role {
    pub(crate) const ALL: [Role; 5] = [Role::Resume, Role::Wrapped, Role::Yield, Role::Protect, Role::ProtectHandled];
}

/// The fuel that a call of a native function costs, beside what the function charges.
pub(crate) const CALL_COST: u64 = 10;

/// The arguments of a native function.
#[derive(Clone, Copy, Debug)]
pub struct ArgumentList {
    first: u32,
    count: u32,
}

impl ArgumentList {
    /// Those in so many slots from this one on.
    #[inline(always)]
    pub(crate) fn new(first: u32, count: u32) -> ArgumentList {
        ArgumentList { first, count }
    }

    /// How many there are.
    #[inline(always)]
    pub fn count(self) -> u32 {
        self.count
    }

    /// One of them (from 0); `None` if there are fewer.
    #[inline(always)]
    pub fn get(self, machine: &Machine, index: u32) -> Option<Value> {
        if index < self.count { Some(machine.value(self.first + index)) } else { None }
    }
}

/// A native function as it is registered.
#[derive(Clone, Copy, Debug)]
pub struct Native {
    /// Stable name, unique in the machine, under which images refer to it.
    pub name: &'static str,
    /// The code.
    pub function: NativeFunction,
    /// Number of locals.
    pub slots: u32,
    /// Whether coroutines may yield while the function waits for a callee.
    pub yieldable: bool,
    /// Whether errors of callees come back to the function, in phase [`CAUGHT`], with the error pending.
    pub catches: bool,
    /// How many of its closure's values, from the first on, programs see as upvalues.
    pub upvalues: u32,
    /// What is tried before the function, if it is wanted for at most one result.
    pub quick: Option<Quick>,
    /// The same for several results.
    pub quick_list: Option<QuickList>,
    /// What the machine can do for it.
    pub role: Option<Role>,
    /// What compiled code does in its place.
    pub builtin: Option<Builtin>,
}

/// What functions do that compiled code can do itself, with the arguments they usually have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// The square root of a number.
    SquareRoot,
    /// The greatest integer that is not greater than a number.
    Floor,
    /// The smaller of two numbers.
    Minimum,
    /// The greater of two numbers.
    Maximum,
    /// A byte of a string, at a position from 1 on.
    Byte,
    /// How many values there are, or the one at a position.
    Select,
    /// What a traversal needs: the function that the closure holds, the value, and what is before the first key.
    Pairs,
    /// The same by integers from 1 on.
    IntegerPairs,
    /// Adds an element to the end of a list.
    Insert,
    /// Takes the last element out of a list.
    Remove,
    /// A table that had no metatable, with one.
    SetMetatable,
}

impl Native {
    /// A function without locals that calls nothing back.
    pub const fn new(name: &'static str, function: NativeFunction) -> Native {
        Native {
            name,
            function,
            slots: 0,
            yieldable: true,
            catches: false,
            upvalues: 0,
            quick: None,
            quick_list: None,
            role: None,
            builtin: None,
        }
    }

    /// The function with `slots` locals.
    #[must_use]
    pub const fn with_locals(self, slots: u32) -> Native {
        Native { slots, ..self }
    }

    /// The function as one across which coroutines cannot yield.
    #[must_use]
    pub const fn unyieldable(self) -> Native {
        Native { yieldable: false, ..self }
    }

    /// The function as one whose first `upvalues` values programs see.
    #[must_use]
    pub const fn with_upvalues(self, upvalues: u32) -> Native {
        Native { upvalues, ..self }
    }

    /// The function with what is tried before it.
    #[must_use]
    pub const fn with_quick(self, quick: Quick) -> Native {
        Native { quick: Some(quick), ..self }
    }

    /// The function with what is tried before it where several results are wanted.
    #[must_use]
    pub const fn with_quick_list(self, quick_list: QuickList) -> Native {
        Native { quick_list: Some(quick_list), ..self }
    }

    /// The function with what the machine can do for it.
    #[must_use]
    pub const fn with_role(self, role: Role) -> Native {
        Native { role: Some(role), ..self }
    }

    /// The function as one that compiled code can do itself.
    #[must_use]
    pub const fn with_builtin(self, builtin: Builtin) -> Native {
        Native { builtin: Some(builtin), ..self }
    }

    /// The function as one that catches errors.
    #[must_use]
    pub const fn catching(self) -> Native {
        Native { catches: true, ..self }
    }
}

/// The phase in which a catching function is called when an error was caught.
pub const CAUGHT: u32 = u32::MAX;

/// The phase of a function that has thrown an error.
pub(crate) const THROWN: u32 = u32::MAX - 1;

/// The phase of a function that has no more to do than to return what comes back to it: it is not called again.
pub const PASS_ON: u32 = u32::MAX - 2;

/// As [`PASS_ON`], with `true` before what comes back. The function has an argument or a local.
pub const PASS_ON_TRUE: u32 = u32::MAX - 3;

/// What a native function wants to happen next.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Return the values in `count` slots from `first` on.
    Return {
        /// Index of the first value's slot.
        first: u32,
        /// Number of values.
        count: u32,
    },
    /// Call the function in the native's window (function in slot 0, arguments from slot 2 on) and come back.
    Call {
        /// Number of arguments.
        count: u32,
    },
    /// Return what the function in the native's window returns.
    TailCall {
        /// Number of arguments.
        count: u32,
    },
    /// Suspend the running coroutine with these values; return what it is resumed with.
    Yield {
        /// Index of the first value's slot.
        first: u32,
        /// Number of values.
        count: u32,
    },
    /// Run the coroutine with these values and come back with what it yields or returns, in the window, in the phase
    /// set, or, with its error pending, in phase [`CAUGHT`].
    Resume {
        /// The coroutine.
        thread: Ref<Thread>,
        /// Index of the first value's slot.
        first: u32,
        /// Number of values.
        count: u32,
    },
    /// Close the suspended coroutine and come back as from [`Step::Resume`].
    CloseThread {
        /// The coroutine.
        thread: Ref<Thread>,
    },
    /// Come back in the phase set when the host has completed the request.
    Wait(Ticket),
    /// Come back in the phase set when a snapshot was taken, or not: the answer says so, and there is none in the
    /// instance that was restored from it.
    Snapshot,
    /// Come back in the phase set, after fuel, interrupts and the collector were looked at; the window is lost.
    Continue,
    /// A call that was made at once ([`Machine::call_at_once`]) has led elsewhere.
    Left(Left),
}

/// Where a call has led.
#[derive(Clone, Copy, Debug)]
pub struct Left(pub(crate) Next);

/// The frame of a native function while it runs. Two words, so that it travels in machine registers.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Base and number of arguments.
    place: u64,
    /// Phase and window.
    progress: u64,
}

impl Frame {
    /// The frame with `count` arguments from slot `base` on and its window at slot `window`, in a phase.
    #[inline(always)]
    pub(crate) fn new(base: u32, count: u32, phase: u32, window: u32) -> Frame {
        Frame { place: u64::from(base) | u64::from(count) << 32, progress: u64::from(phase) | u64::from(window) << 32 }
    }

    /// Index of the slot of argument 0.
    #[inline(always)]
    pub fn base(self) -> u32 {
        self.place as u32
    }

    /// Number of arguments.
    #[inline(always)]
    pub fn count(self) -> u32 {
        (self.place >> 32) as u32
    }

    /// The phase: 0 at first, then what was set.
    #[inline(always)]
    pub fn phase(self) -> u32 {
        self.progress as u32
    }

    /// Index of the window's first slot.
    #[inline(always)]
    pub fn window(self) -> u32 {
        (self.progress >> 32) as u32
    }

    /// The frame in another phase, for functions that go on in one at once.
    #[inline(always)]
    #[must_use]
    pub fn in_phase(self, phase: u32) -> Frame {
        Frame::new(self.base(), self.count(), phase, self.window())
    }

    /// Argument `index` (from 0); `None` if there are fewer.
    #[inline(always)]
    pub fn argument(self, machine: &Machine, index: u32) -> Option<Value> {
        if index < self.count() { Some(machine.value(self.base() + index)) } else { None }
    }

    /// Argument `index` (from 0); nil if there are fewer.
    #[inline(always)]
    pub fn argument_or_nil(self, machine: &Machine, index: u32) -> Value {
        self.argument(machine, index).unwrap_or(Value::Nil)
    }

    /// Index of the slot of local `index`.
    #[inline(always)]
    pub fn local_slot(self, index: u32) -> u32 {
        self.base() + self.count() + index
    }

    /// Value of local `index`.
    #[inline(always)]
    pub fn local(self, machine: &Machine, index: u32) -> Value {
        machine.value(self.local_slot(index))
    }

    /// Sets local `index`.
    #[inline(always)]
    pub fn set_local(self, machine: &Machine, index: u32, value: Value) {
        machine.set_value(self.local_slot(index), value);
    }

    /// Sets the phase in which the function will be called again.
    #[inline(always)]
    pub fn set_phase(self, machine: &Machine, phase: u32) {
        machine.header(self.base()).set_resume(phase);
    }

    /// The arguments.
    #[inline(always)]
    pub fn arguments(self) -> ArgumentList {
        ArgumentList::new(self.base(), self.count())
    }

    /// The function itself.
    pub fn closure(self, machine: &Machine) -> Ref<NativeClosure> {
        match machine.value(self.base() - FRAME_SLOTS) {
            Value::NativeClosure(closure) => closure,
            other => unreachable!("a native frame has a native closure, not {other:?}"),
        }
    }

    /// Value `index` of the function's closure; nil if there are fewer.
    #[inline]
    pub fn closure_value(self, machine: &Machine, index: u32) -> Value {
        machine.heap.native_values(self.closure(machine)).get(index as usize).map_or(Value::Nil, Slot::get)
    }

    /// Returns no value.
    #[inline(always)]
    pub fn return_none(self) -> NativeResult {
        Ok(Step::Return { first: self.base(), count: 0 })
    }

    /// Returns one value.
    #[inline(always)]
    pub fn return_one(self, machine: &Machine, value: Value) -> NativeResult {
        let first = self.base() - FRAME_SLOTS;
        machine.set_value(first, value);
        Ok(Step::Return { first, count: 1 })
    }

    /// Returns two values.
    #[inline(always)]
    pub fn return_two(self, machine: &Machine, one: Value, two: Value) -> NativeResult {
        self.return_values(machine, &[one, two])
    }

    /// Returns a few values; at most 16, for which there is always room.
    pub fn return_values(self, machine: &Machine, values: &[Value]) -> NativeResult {
        for (index, &value) in values.iter().enumerate() {
            machine.set_value(self.window() + index as u32, value);
        }
        Ok(Step::Return { first: self.window(), count: values.len() as u32 })
    }

    /// Calls `function` with a few arguments, at most 16, to come back in `phase`.
    pub fn call(self, machine: &Machine, phase: u32, function: Value, arguments: &[Value]) -> NativeResult {
        self.set_phase(machine, phase);
        self.write_window(machine, function, arguments);
        Ok(Step::Call { count: arguments.len() as u32 })
    }

    /// Calls `function` with `count` values from slot `first` on, to come back in `phase`.
    pub fn call_slots(
        self,
        machine: &mut Machine,
        phase: u32,
        function: Value,
        first: u32,
        count: u32,
    ) -> NativeResult {
        machine.ensure_stack(self.window() + FRAME_SLOTS, count)?;
        machine.copy_slots(first, self.window() + FRAME_SLOTS, count);
        machine.set_value(self.window(), function);
        self.set_phase(machine, phase);
        Ok(Step::Call { count })
    }

    /// Makes room for `slots` slots in the window.
    pub fn reserve(self, machine: &mut Machine, slots: u32) -> Result<(), Throw> {
        machine.ensure_stack(self.window(), slots)
    }

    /// Returns what `function` returns for a few arguments, at most 16.
    pub fn tail_call(self, machine: &Machine, function: Value, arguments: &[Value]) -> NativeResult {
        self.write_window(machine, function, arguments);
        Ok(Step::TailCall { count: arguments.len() as u32 })
    }

    fn write_window(self, machine: &Machine, function: Value, arguments: &[Value]) {
        machine.set_value(self.window(), function);
        for (index, &value) in arguments.iter().enumerate() {
            machine.set_value(self.window() + FRAME_SLOTS + index as u32, value);
        }
    }

    /// Asks the host for something, to come back in `phase` when it has answered.
    pub fn ask(self, machine: &mut Machine, phase: u32, request: Request<'_>) -> NativeResult {
        let ticket = machine.host.submit(request);
        self.wait(machine, phase, ticket)
    }

    /// Comes back in `phase` when the host has answered.
    pub fn wait(self, machine: &Machine, phase: u32, ticket: Ticket) -> NativeResult {
        self.set_phase(machine, phase);
        Ok(Step::Wait(ticket))
    }

    /// Number of results in the window, when called again after a call.
    #[inline(always)]
    pub fn result_count(self, machine: &Machine) -> u32 {
        machine.open_top.saturating_sub(self.window())
    }

    /// Result `index` in the window, when called again after a call; nil if there are fewer.
    #[inline(always)]
    pub fn result(self, machine: &Machine, index: u32) -> Value {
        if index < self.result_count(machine) { machine.value(self.window() + index) } else { Value::Nil }
    }

    /// Whether a condition takes the first result as true, when called again after a call.
    #[inline(always)]
    pub fn is_result_true(self, machine: &Machine) -> bool {
        self.result_count(machine) > 0 && machine.slot(self.window()).tag.get() > Tag::False as u32
    }
}

impl Machine {
    /// Registers a native function and gives its number.
    pub fn register_native(&mut self, native: Native) -> u32 {
        let number = self.natives.len() as u32;
        match native.name {
            "next" => self.next_native = number,
            "run_finalizers" => self.finalizer_native = Some(number),
            "ipairs_iterator" => self.ipairs_native = number,
            _ => {}
        }
        self.native_numbers.entry(native.name).or_insert(number);
        self.natives.push(native);
        number
    }

    /// The registered native function of this name.
    pub fn find_native(&self, name: &str) -> Option<u32> {
        self.native_numbers.get(name).copied()
    }

    /// The number of upvalues that programs see a native closure have.
    pub fn native_upvalue_count(&self, closure: Ref<NativeClosure>) -> u32 {
        let closure = self.heap.get(closure);
        self.native(closure.native).upvalues.min(closure.value_count)
    }

    /// What was registered under this number.
    pub fn native(&self, number: u32) -> &Native {
        &self.natives[number as usize]
    }

    /// What the host answered to the request the running native function waited for. There is no answer if the instance
    /// was restored while it waited: the request is to be made again.
    pub fn take_response(&mut self) -> Option<Response> {
        self.response.take()
    }

    /// Gives the answer back, for the function to fail with [`Throw::Memory`] and find it when it is called again.
    pub fn put_back_response(&mut self, response: Response) {
        self.response = Some(response);
    }

    /// Charges `cost` units of fuel for work done in a native function, and looks for interrupts when it is time.
    #[inline(always)]
    pub fn charge(&mut self, cost: u64) -> Result<(), Throw> {
        self.spend(cost);
        if self.budget.get() < 0 { self.look_at_limits() } else { Ok(()) }
    }
}
