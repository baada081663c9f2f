//! Templates: started instances from which others are cloned.

use crate::{
    engine::Configuration,
    error::Result,
    host::Streams,
    partition::{Partition, unavailable},
    tenant::Tenant,
};
use lunette_hw_bridge as bridge;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// An instance in a partition as it was when it was prepared, from which others are cloned: with its libraries, and with
/// whatever it was prepared with, loaded. Clones share the memory they do not change, and differ in their random numbers.
///
/// A clone that is dropped is made as new and kept for the next one, which costs less than a new partition.
///
/// ```
/// use lunette::{Captured, Configuration, Engine, Home, Output, Streams};
/// let engine = Engine::new(Configuration::new().home(Home::Partition));
/// let template = engine.template(|tenant| tenant.execute_file("function greet(name) print('hi ' .. name) end", "=t", &[]))?;
/// for name in ["Ada", "Grace"] {
///     let output = Captured::new();
///     let mut tenant = template.tenant(Streams { output: Output::Captured(output.clone()), ..Streams::none() })?;
///     tenant.execute_file("greet(...)", "=program", &[name.into()])?;
///     assert_eq!(output.take_text(), format!("hi {name}\n"));
///     tenant.close()?;
/// }
/// assert_eq!(template.idle(), 1);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Template(Arc<Shared>);

/// What clones share.
pub(crate) struct Shared {
    pub configuration: Configuration,
    hypervisor: bridge::Hypervisor,
    template: bridge::Template,
    idle: Mutex<Vec<bridge::Partition>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").field("idle", &self.idle().len()).finish_non_exhaustive()
    }
}

impl Template {
    pub(crate) fn new(
        configuration: &Configuration,
        prepare: impl FnOnce(&mut Tenant) -> Result<()>,
    ) -> Result<Template> {
        // Clones are made from memory of this process.
        let configuration = Configuration { monitor: None, ..configuration.clone() };
        let partition = Partition::new(&configuration, Streams::none())?;
        let mut tenant = Tenant::isolated(partition);
        prepare(&mut tenant)?;
        let template = tenant.into_isolated()?.freeze()?;
        Ok(Template(Arc::new(Shared {
            configuration,
            hypervisor: bridge::Hypervisor::open().map_err(unavailable)?,
            template,
            idle: Mutex::new(Vec::new()),
        })))
    }

    /// A clone with these standard streams.
    ///
    /// ```
    /// # use lunette::{Configuration, Data, Engine, Home, Streams};
    /// let engine = Engine::new(Configuration::new().home(Home::Partition));
    /// let template = engine.template(|tenant| tenant.set("x", &Data::Integer(1)))?;
    /// let mut tenant = template.tenant(Streams::none())?;
    /// assert_eq!(tenant.get("x")?, Data::Integer(1));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn tenant(&self, streams: Streams) -> Result<Tenant> {
        let idle = self.0.idle().pop();
        let partition = match idle {
            Some(partition) => partition,
            None => self.0.make()?,
        };
        Ok(Tenant::isolated(Partition::clone_of(&self.0, partition, streams)?))
    }

    /// Makes partitions until so many are idle.
    ///
    /// ```
    /// # use lunette::{Configuration, Engine, Home};
    /// let template = Engine::new(Configuration::new().home(Home::Partition)).template(|_| Ok(()))?;
    /// template.keep(3)?;
    /// assert_eq!(template.idle(), 3);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn keep(&self, count: usize) -> Result<()> {
        while self.idle() < count {
            let partition = self.0.make()?;
            self.0.idle().push(partition);
        }
        Ok(())
    }

    /// How many partitions wait to be used.
    ///
    /// ```
    /// # use lunette::{Configuration, Engine, Home};
    /// let template = Engine::new(Configuration::new().home(Home::Partition)).template(|_| Ok(()))?;
    /// assert_eq!(template.idle(), 0);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn idle(&self) -> usize {
        self.0.idle().len()
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Vec<bridge::Partition>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make(&self) -> Result<bridge::Partition> {
        let memory = crate::partition::memory(&self.configuration);
        bridge::Partition::clone_of(&self.hypervisor, &self.template, memory).map_err(unavailable)
    }

    /// Takes back a partition that nobody uses any more.
    pub fn take_back(&self, mut partition: bridge::Partition) {
        // One that cannot be made as new is dropped.
        if partition.reset(&self.template).is_ok() {
            self.idle().push(partition);
        }
    }
}
