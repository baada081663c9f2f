//! The owner of a partition: it serves what the guest asks for, as far as that is granted.

use super::{
    functions::Functions,
    values::{from_tokens, to_tokens},
};
use crate::{
    engine::Configuration,
    host::{Process, Streams},
    statistics::Collection,
};
use lunette_hw_bridge::{
    Owner, Signals,
    message::{self, CallError, Token, Values},
};
use lunette_interpreter::host::Host;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The most streams that a program may have open: others need descriptors of the process as well.
const MOST_STREAMS: usize = 256;

/// What is told about collections.
pub(super) type Observer = Box<dyn FnMut(&Collection) + Send>;

/// The partition's owner.
pub(super) struct Home {
    pub(super) process: Process,
    pub(super) functions: Functions,
    pub(super) interrupt: Arc<AtomicBool>,
    pub(super) snapshot: Arc<AtomicBool>,
    /// What is told about collections.
    pub(super) observer: Option<Observer>,
    /// A panic of a function.
    pub(super) panic: Option<String>,
}

impl Home {
    pub(super) fn new(configuration: &Configuration, streams: Streams) -> Home {
        Home {
            process: Process::new(configuration.grants.clone(), streams).with_most_streams(MOST_STREAMS),
            functions: Functions::new(&configuration.host_functions),
            interrupt: Arc::new(AtomicBool::new(false)),
            snapshot: Arc::new(AtomicBool::new(false)),
            observer: None,
            panic: None,
        }
    }
}

impl Owner for Home {
    fn host(&mut self) -> &mut dyn Host {
        &mut self.process
    }

    fn call(&mut self, function: u32, arguments: Values) -> std::result::Result<Values, CallError> {
        let thrown = |message: String| CallError::Thrown(vec![Token::String(message.into_bytes())]);
        let Some(function) = self.functions.get(function) else {
            return Err(thrown("there is no such function of the host".to_owned()));
        };
        let arguments = from_tokens(arguments).map_err(|error| thrown(error.to_string()))?;
        match catch_unwind(AssertUnwindSafe(|| function(arguments))) {
            Ok(Ok(results)) => Ok(to_tokens(&results)),
            Ok(Err(error)) => Err(thrown(error.to_string())),
            Err(payload) => {
                self.panic = Some(crate::callback::panic_message(payload.as_ref()));
                Err(CallError::Stop)
            }
        }
    }

    fn take_signals(&mut self) -> Signals {
        Signals {
            interrupt: self.interrupt.swap(false, Ordering::AcqRel),
            snapshot: self.snapshot.swap(false, Ordering::AcqRel),
        }
    }

    fn collected(&mut self, collection: message::Collection) {
        if let Some(observer) = &mut self.observer {
            observer(&Collection::of_partition(collection));
        }
    }
}
