//! Lunette: a virtual machine for Lua 5.4 that Rust programs can embed.
//!
//! An [`Engine`] holds a configuration and makes [`Instance`]s, each with a heap, limits and globals of its own. A
//! [`Program`] is compiled once and runs in any number of them. Rust code holds on to what is in an instance by handles
//! ([`Table`], [`Function`], …), which cannot dangle, and converts values by [`IntoLua`] and [`FromLua`].
//!
//! ```
//! use lunette::{AsContext, Engine, Table};
//!
//! let mut instance = Engine::default().instantiate()?;
//! let shout = instance.function(|_, word: String| Ok(word.to_uppercase()))?;
//! instance.set("shout", &shout)?;
//! let result: Table = instance.eval("return { word = shout('moon'), length = #shout('moon') }")?;
//! assert_eq!(result.get::<String>(&mut instance, "word")?, "MOON");
//! assert_eq!(result.get::<i64>(&mut instance, "length")?, 4);
//! # Ok::<(), lunette::Error>(())
//! ```
//!
//! Programs reach nothing outside of their instance unless they are granted it ([`Grants`], [`Streams`]), and cannot
//! outrun their limits ([`Configuration`]).
//!
//! # Features
//!
//! All are on by default; embedders turn them off with `default-features = false` and name what they want.
//!
//! - `compiler`: source text. Without it, programs come compiled ([`Program::from_bytes`]), and the grammar is not built.
//! - `compression`: compressed images.
//! - `command`: the program `lunette`.
//! - `jit`: machine code for hot functions. Without it, everything is interpreted.
//! - `migration`: programs that go on in another process.
//! - `partitions`: instances in KVM partitions. Without it, the guest image is not built.

mod callback;
mod context;
mod convert;
mod data;
mod engine;
mod error;
mod function;
mod handle;
mod host;
mod instance;
#[cfg(feature = "jit")]
pub mod machine_code;
#[cfg(feature = "migration")]
mod migration;
mod objects;
#[cfg(feature = "partitions")]
mod partition;
mod profile;
mod program;
#[cfg(feature = "migration")]
mod raw;
mod snapshot;
mod statistics;
mod string;
#[cfg(feature = "partitions")]
mod survey;
mod table;
#[cfg(feature = "partitions")]
mod template;
mod tenant;
mod thread;
mod userdata;
mod value;
#[cfg(feature = "compiler")]
pub mod webassembly;

pub use context::{AsContext, Context};
pub use convert::{Bytes, FromLua, FromLuaMulti, IntoLua, IntoLuaMulti, Variadic};
pub use data::Data;
#[cfg(feature = "jit")]
pub use engine::Jit;
pub use engine::{Configuration, Engine, Home, Library};
pub use error::{ConversionError, Error, ImageError, IsolatedError, Result, RuntimeError, StopReason, SyntaxError};
pub use function::Function;
pub use host::{Captured, Directory, Environment, Files, Grants, Input, Output, Streams};
pub use instance::{Instance, InterruptHandle};
#[cfg(feature = "migration")]
pub use migration::{Departing, Departure, MigrationKey, MigrationReport};
#[cfg(feature = "partitions")]
pub use partition::monitor;
pub use profile::Profile;
pub use program::Program;
pub use snapshot::{AfterSnapshot, ImageReport, Snapshot, SnapshotCause, SnapshotHandle};
pub use statistics::{Collection, CollectionKind, Pauses, Statistics};
pub use string::String;
#[cfg(feature = "partitions")]
pub use survey::{Finding, Rating, survey};
pub use table::Table;
#[cfg(feature = "partitions")]
pub use template::Template;
pub use tenant::Tenant;
pub use thread::{Thread, ThreadStatus};
pub use userdata::{AnyUserdata, Methods, Userdata, UserdataRef};
pub use value::Value;
