//! Live migration: a program that runs here goes on in another process, on this machine or another one.
//!
//! ```text
//!   departure                                                        arrival
//!   the program runs                  -- handshake, by the key -->   a process that waits
//!   says what it is                   -- Hello ------------------>
//!                                     <------- Welcome, Refused --   makes an instance
//!   sends memory, while it runs       -- Pages ... -------------->   takes it up
//!   stops
//!   sends what is left, or an image   -- Pages, Last; Image ... ->   is ready to run
//!                                     <------ Prepared, Refused --
//!   gives it away                     -- Commit ----------------->   runs
//!   is gone                           <------------------ Taken --
//! ```
//!
//! Before `Commit` a failure of any kind leaves the program running where it was; nothing runs at the other end. From
//! then on it does not run here any more: if `Taken` does not come, nobody can know whether it runs there, and whoever
//! looks after it must find out.

mod arrival;
mod channel;
mod departure;
mod key;
mod protocol;

pub use departure::{Departing, Departure, MigrationReport};
pub use key::MigrationKey;

pub(crate) use arrival::receive;
