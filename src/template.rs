//! Templates: started instances from which others are cloned.

use crate::{
    engine::Configuration,
    error::{Error, Result},
    host::Streams,
    partition::{Partition, unavailable},
    tenant::Tenant,
};
use lunette_hw_bridge as bridge;
use std::{
    fmt,
    os::unix::fs::MetadataExt,
    path::Path,
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
    pub template: bridge::Template,
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
        // It is made in this process, wherever its clones will be.
        let here = Configuration { monitor: None, ..configuration.clone() };
        let mut tenant = Tenant::isolated(Partition::new(&here, Streams::none())?);
        prepare(&mut tenant)?;
        Template::of(configuration, tenant.into_isolated()?.freeze()?)
    }

    pub(crate) fn load(configuration: &Configuration, path: &Path) -> Result<Template> {
        let cannot = |error: std::io::Error| Error::message(format_args!("cannot read {}: {error}", path.display()));
        let status = std::fs::metadata(path).map_err(cannot)?;
        let is_own = status.uid() == 0 || status.uid() == rustix::process::geteuid().as_raw();
        if !is_own || status.mode() & 0o022 != 0 {
            let reason = "somebody else can write to it, and a template is memory as it is";
            return Err(Error::message(format_args!("{}: {reason}", path.display())));
        }
        Template::of(configuration, bridge::Template::load(path).map_err(Error::external)?)
    }

    fn of(configuration: &Configuration, template: bridge::Template) -> Result<Template> {
        Ok(Template(Arc::new(Shared {
            configuration: configuration.clone(),
            hypervisor: bridge::Hypervisor::open().map_err(unavailable)?,
            template,
            idle: Mutex::new(Vec::new()),
        })))
    }

    /// Writes the template to a file, for [`Engine::load_template`](crate::Engine::load_template) of the same build of
    /// this library.
    ///
    /// ```
    /// # use lunette::{Configuration, Data, Engine, Home, Streams};
    /// # let file = std::env::temp_dir().join(format!("lunette-template-{}", std::process::id()));
    /// let engine = Engine::new(Configuration::new().home(Home::Partition));
    /// engine.template(|tenant| tenant.set("x", &Data::Integer(1)))?.save(&file)?;
    /// let mut tenant = engine.load_template(&file)?.tenant(Streams::none())?;
    /// assert_eq!(tenant.get("x")?, Data::Integer(1));
    /// # std::fs::remove_file(file).map_err(lunette::Error::external)?;
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let cannot = |error| Error::message(format_args!("cannot write {}: {error}", path.display()));
        self.0.template.save(path).map_err(cannot)
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
        Ok(Tenant::isolated(Partition::clone_of(&self.0, streams)?))
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

    /// A partition that waits for its first command.
    pub(crate) fn take(&self) -> Result<bridge::Partition> {
        let idle = self.idle().pop();
        idle.map_or_else(|| self.make(), Ok)
    }

    fn make(&self) -> Result<bridge::Partition> {
        let memory = crate::partition::memory(&self.configuration);
        bridge::Partition::clone_of(&self.hypervisor, &self.template, memory).map_err(unavailable)
    }

    /// Takes back a partition that nobody uses any more.
    pub(crate) fn take_back(&self, mut partition: bridge::Partition) {
        // One that cannot be made as new is dropped.
        if partition.reset(&self.template).is_ok() {
            self.idle().push(partition);
        }
    }
}
