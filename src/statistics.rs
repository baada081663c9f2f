//! Figures about an instance.

use lunette_gc::statistics;
use lunette_interpreter::{Machine, pauses};
use std::time::Duration;

pub use lunette_gc::statistics::CollectionKind;

/// Figures about what has happened in an instance since it was made.
///
/// ```
/// use lunette::{AsContext, Engine};
/// let mut instance = Engine::default().instantiate()?;
/// instance.exec("local t = {}; for i = 1, 1000 do t[i] = {i} end")?;
/// let statistics = instance.statistics();
/// assert!(statistics.fuel_used > 1000 && statistics.allocated_bytes > 1000);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Statistics {
    /// Units of fuel used: about one for each instruction.
    pub fuel_used: u64,
    /// Bytes of all objects that were allocated.
    pub allocated_bytes: u64,
    /// Bytes of objects in use.
    pub used_bytes: u64,
    /// Most bytes in use, as far as collections saw it.
    pub peak_bytes: u64,
    /// Bytes of addresses that were ever touched.
    pub touched_bytes: u64,
    /// Collections of young objects.
    pub minor_collections: u64,
    /// Collections of all objects.
    pub full_collections: u64,
    /// Steps in which they were done.
    pub collection_steps: u64,
    /// How long the program stood still for them.
    pub pauses: Pauses,
    /// Functions that are machine code.
    pub native_functions: u64,
}

impl Statistics {
    pub(crate) fn of(machine: &Machine) -> Statistics {
        let heap = machine.heap.statistics();
        Statistics {
            fuel_used: machine.fuel_used(),
            allocated_bytes: heap.allocated_bytes,
            used_bytes: heap.used_bytes,
            peak_bytes: heap.peak_bytes,
            touched_bytes: heap.touched_bytes,
            minor_collections: heap.minor_collections,
            full_collections: heap.full_collections,
            collection_steps: heap.steps,
            pauses: Pauses::of(machine.pauses().clone()),
            native_functions: (machine.native_functions() + machine.lua_functions()) as u64,
        }
    }

    #[cfg(feature = "partitions")]
    pub(crate) fn of_partition(figures: lunette_hw_bridge::message::Statistics) -> Statistics {
        Statistics {
            fuel_used: figures.fuel_used,
            allocated_bytes: figures.allocated_bytes,
            used_bytes: figures.used_bytes,
            peak_bytes: figures.peak_bytes,
            touched_bytes: figures.touched_bytes,
            minor_collections: figures.minor_collections,
            full_collections: figures.full_collections,
            collection_steps: figures.collection_steps,
            pauses: Pauses::of(figures.pauses),
            native_functions: figures.native_functions,
        }
    }
}

/// Pauses of a program while garbage was collected.
///
/// ```
/// use lunette::{AsContext, Engine};
/// let mut instance = Engine::default().instantiate()?;
/// instance.collect_garbage()?;
/// let pauses = instance.statistics().pauses;
/// assert!(pauses.count >= 1 && pauses.longest <= pauses.total);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pauses {
    /// Their number.
    pub count: u64,
    /// Their sum.
    pub total: Duration,
    /// The longest one.
    pub longest: Duration,
    all: pauses::Pauses,
}

impl Pauses {
    fn of(all: pauses::Pauses) -> Pauses {
        Pauses {
            count: all.count,
            total: Duration::from_nanos(all.total),
            longest: Duration::from_nanos(all.longest),
            all,
        }
    }

    /// A time that this percentage of the pauses does not exceed.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.exec("for i = 1, 100000 do local t = {} end")?;
    /// let pauses = instance.statistics().pauses;
    /// assert!(pauses.percentile(50.0) <= pauses.percentile(99.0));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn percentile(&self, percent: f64) -> Duration {
        Duration::from_nanos(self.all.percentile(percent))
    }
}

/// A collection that was completed; see [`Instance::on_collection`](crate::Instance::on_collection).
///
/// ```
/// use lunette::{AsContext, CollectionKind, Engine};
/// let mut instance = Engine::default().instantiate()?;
/// instance.on_collection(|collection| assert_eq!(collection.kind, CollectionKind::Full));
/// instance.collect_garbage()?;
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Collection {
    /// Of young or of all objects.
    pub kind: CollectionKind,
    /// Bytes in use when it began.
    pub before: u64,
    /// Bytes of the objects that survived it.
    pub after: u64,
    /// How long its last step took.
    pub pause: Duration,
}

impl Collection {
    pub(crate) fn new(collection: statistics::Collection, nanoseconds: u64) -> Collection {
        Collection {
            kind: collection.kind,
            before: collection.before,
            after: collection.after,
            pause: Duration::from_nanos(nanoseconds),
        }
    }

    #[cfg(feature = "partitions")]
    pub(crate) fn of_partition(collection: lunette_hw_bridge::message::Collection) -> Collection {
        Collection {
            kind: if collection.is_full { CollectionKind::Full } else { CollectionKind::Minor },
            before: collection.before,
            after: collection.after,
            pause: Duration::from_nanos(collection.pause),
        }
    }
}
